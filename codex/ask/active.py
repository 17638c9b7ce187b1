"""The active policy and calibrator: the one place that says and changes what is active."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from codex import prompts
from codex.ask.verifying import ActiveVerifier
from codex.calibration import Calibrator
from codex.calibration.drift import EVERY, WINDOW, Drift, DriftMonitor
from codex.calibration.shipped import shipped_calibrators
from codex.engines.base import Engine
from codex.policy import Policy
from codex.prompts import stating
from codex.settings import Settings
from codex.signals.probes import Probes
from codex.store import Store
from codex.types import Origin, Step


class Active:
    """What the next question is decided by. Thread-safe."""

    def __init__(self, settings: Settings, store: Store, engine: Engine | None = None) -> None:
        """What was activated last; until then the policy of the settings and the calibrator that ships.

        engine: None where no question is asked, so that what ships is not looked for.
        """
        self._settings, self._engine, self._store = settings, engine, store
        self.verifier = ActiveVerifier(store, settings.home)
        """The trained verifier, which is asked where it holds."""
        self._policy = self._stored_policy()
        if engine is not None:
            self._activate_shipped(engine.fingerprint)
        self._monitor = self._monitor_of_active()
        self._probes = self._active_probes()
        self._contradiction = ("", "")

    def follow(self, settings: Settings, engine: Engine) -> None:
        """Another model is asked, as these settings say. What ships for it is active as at the start.

        Raises StoreError.
        """
        self._settings, self._engine = settings, engine
        self._activate_shipped(engine.fingerprint)
        self._monitor = self._monitor_of_active()

    @property
    def policy(self) -> Policy:
        """The one that decides."""
        return self._policy

    @property
    def calibrator(self) -> Calibrator | None:
        """Confidences are calibrated where it holds."""
        return self._monitor.calibrator if self._monitor else None

    @property
    def probes(self) -> Probes | None:
        """Those that read the hidden states of the model in use; None: no active ones are of it."""
        probes, engine = self._probes, self._engine
        return probes if probes and engine and probes.model == engine.fingerprint else None

    @property
    def probe(self) -> str:
        """The version of `probes`; "": there are none."""
        return self.probes.version if self.probes else ""

    @property
    def drift(self) -> Drift | None:
        """Whether the answers have drifted away from what the calibrator was fitted on; None: not watched."""
        return self._monitor.drift if self._monitor else None

    @property
    def guarantee(self) -> str | None:
        """What the policy guarantees of the answers given, in words; None: nothing."""
        guarantee, calibrator = self.policy.guarantee, self.calibrator
        if guarantee is None or calibrator is None or guarantee.calibrator != calibrator.version:
            return None
        if self.drift is not None and self.drift.detected:
            return f"The guarantee is suspended. {self.drift.message}"
        version, why = self._contradiction
        if version == self.policy.version:
            return f"The guarantee is suspended. {why}"
        return f"{guarantee}, for questions like the {guarantee.questions:,} it was proven on."

    def contradict(self, version: str, why: str) -> None:
        """Suspend the guarantee of a policy's version that labels contradict, and say why; "": of none."""
        self._contradiction = (version, why)

    @property
    def calibration(self) -> tuple[bool, str]:
        """Whether questions asked as the settings say are calibrated, and on what, or why not, in words."""
        if self.calibrator is None:
            return False, "No calibrator is active."
        why_not = self.mismatch(self.calibrator)
        sets = ", ".join(self.calibrator.datasets)
        return not why_not, why_not or f"Fitted on {self.calibrator.questions:,} answers to {sets}."

    def mismatch(self, calibrator: Calibrator) -> str:
        """Why it does not hold for questions asked as the settings say, in words; "" when it does.

        Without an engine, of its own model.
        """
        origin = self.origin(calibrator.evidence)
        if self._engine is None:
            origin = replace(origin, model=calibrator.model)
        return calibrator.mismatch(origin)

    def origin(self, evidence: bool = False) -> Origin:
        """How answers come about to questions asked as the settings say; without an engine, of model ""."""
        ask, params = self._settings.ask, self._settings.engine.params
        return Origin(
            self._engine.fingerprint if self._engine else "",
            prompts.fingerprint(),
            ask.sample_temperature,
            params.temperature,
            ask.n_samples,
            evidence,
            ask.adaptive,
            self.probe,
            verifier=self._verifier_in_use(),
            stated=stating.fingerprint() if self._settings.grounding.state_confidence else "",
        )

    def activate(self, calibrator: str, policy: Policy) -> None:
        """Activate a saved calibrator and a policy, from the next question on: both, or neither.

        Raises NotFound, StoreError.
        """
        self._store.policies.save(policy.version, policy.name, policy.model_dump_json())
        self._store.activate(calibrator, policy.version)
        self._monitor, self._policy = self._monitor_of_active(), policy

    def activate_policy(self, policy: Policy | None) -> None:
        """Activate a policy, from the next question on and after a restart; None: that of the settings.

        Raises StoreError.
        """
        if policy is not None:
            self._store.policies.save(policy.version, policy.name, policy.model_dump_json())
        self._store.policies.activate(policy.version if policy else None)
        self._policy = policy or self._settings.policy

    def rollback_policy(self) -> None:
        """Undo the last activation of a policy. Raises Conflict when there was none."""
        self._store.policies.rollback()
        self._policy = self._stored_policy()

    def decide_by(self, policy: Policy) -> None:
        """Use a policy in this process alone, whatever is stored."""
        self._policy = policy

    def activate_calibrator(self, version: str | None) -> None:
        """Activate a saved calibrator from the next question on; None: none. Raises NotFound."""
        self._store.calibrators.activate(version)
        self._monitor = self._monitor_of_active()

    def rollback_calibrator(self) -> None:
        """Undo the last activation of a calibrator. Raises Conflict when there was none."""
        self._store.calibrators.rollback()
        self._monitor = self._monitor_of_active()

    def activate_probes(self, version: str | None) -> None:
        """Activate saved probes from the next question on; None: none. Raises NotFound."""
        self._store.probes.activate(version)
        self._probes = self._active_probes()

    def rollback_probes(self) -> None:
        """Undo the last activation of probes. Raises Conflict when there was none."""
        self._store.probes.rollback()
        self._probes = self._active_probes()

    def watch(self, calibrator: Calibrator | None, steps: Iterable[Step]) -> None:
        """Watch for drift in what was answered under a calibrator, unless another one is active by now."""
        monitor = self._monitor
        if monitor is not None and monitor.calibrator is calibrator:
            for step in steps:
                if step.confidence.calibrated is not None and step.larger is None:
                    monitor.add(step.signals)

    def _verifier_in_use(self) -> str:
        """The version of the trained verifier that holds for the engine, or for a model of its own."""
        found, checked = self.verifier.in_use, self._settings.grounding
        if found is None or not checked.verify:
            return ""
        own = checked.verifier_model is None and self._engine is not None
        if own and self._engine and found.verifier.mismatch(self._engine, checked.verifier_form):
            return ""
        return found.verifier.version

    def _activate_shipped(self, model: str) -> None:
        """What ships for a model is active until somebody chooses otherwise; a newer one replaces it."""
        ours = next((each for each in shipped_calibrators() if each.model == model), None)
        if ours is None:
            return
        calibrators = self._store.calibrators
        chosen = {change.version for change in calibrators.history()}
        came = {each.version for each in calibrators.list() if json.loads(each.body).get("shipped")}
        if chosen <= came:
            calibrators.save(ours.version, ours.name, ours.model_dump_json())
            calibrators.activate(ours.version)

    def saved(self, version: str) -> Policy:
        """A policy by its version, also a deleted one that decided on stored answers. Raises NotFound."""
        return Policy.model_validate_json(self._store.policies.load(version))

    def _stored_policy(self) -> Policy:
        saved = self._store.policies.active()
        return Policy.model_validate_json(saved.body) if saved else self._settings.policy

    def _active_probes(self) -> Probes | None:
        saved = self._store.probes.active()
        return Probes.model_validate_json(saved.body) if saved else None

    def _monitor_of_active(self) -> DriftMonitor | None:
        """Of the active calibrator, with the answers that it has judged so far."""
        saved = self._store.calibrators.active()
        if saved is None:
            return None
        seen, newest = self._store.calibrated_signals(saved.version, WINDOW + EVERY)
        return DriftMonitor(Calibrator.model_validate_json(saved.body), newest, seen)
