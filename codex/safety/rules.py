"""Rules on what comes in and goes out: what each finds is in the trace; it blocks where a setting says so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from codex import plugins
from codex.errors import CodexError, PluginError, Refused
from codex.redaction import secrets
from codex.safety.config import SafetyConfig, pattern_of
from codex.safety.planted import planted
from codex.text import nearest
from codex.types import RuleFinding, RuleSide

Rule = Callable[[str, RuleSide], str]
"""From a text, and what it is, to what is wrong with it: "it holds a password"; "" where nothing is."""

log = logging.getLogger(__name__)


class Rules:
    """The rules of the settings. Thread-safe."""

    def __init__(self, config: SafetyConfig) -> None:
        """Raises PluginError for a rule that is not known or cannot be loaded."""
        self._rules = {name.rpartition(":")[2]: _rule(name, config) for name in config.rules}
        self._block = {name.rpartition(":")[2] for name in config.block}
        if unknown := self._block - self._rules.keys():
            name = min(unknown)
            raise PluginError(
                f"safety.block names {name!r}, which is not in safety.rules{nearest(name, self._rules)}",
                [name],
            )

    @property
    def may_block(self) -> bool:
        """Whether any of them blocks, and does not warn alone."""
        return bool(self._block)

    def find(self, text: str, side: RuleSide, passage: str | None = None) -> list[RuleFinding]:
        """What the rules find in a text. passage: the name of its document."""
        found = []
        for name, rule in self._rules.items():
            try:
                reason = rule(text, side)
            except Exception as wrong:
                log.warning("The rule %s failed: %s", name, wrong)
                reason = f"it could not be checked: {type(wrong).__name__}"
            if reason:
                found.append(RuleFinding(name, side, reason, passage, blocked=name in self._block))
        return found


class Checks:
    """What the rules found in one request."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._told = 0
        self.findings: list[RuleFinding] = []
        """In order."""
        self.may_block = rules.may_block
        """Whether an answer has to wait for them before it is shown."""
        self.withheld: set[str] = set()
        """The answers that are blocked."""

    def passes(self, text: str, side: RuleSide, passage: str | None = None) -> bool:
        """Check a text; False: a rule that blocks found something."""
        found = self._rules.find(text, side, passage)
        # A passage is searched for again where a larger model is asked.
        self.findings += [each for each in found if each not in self.findings]
        blocked = any(each.blocked for each in found)
        if blocked and side == "answer":
            self.withheld.add(text)
        return not blocked

    def check_question(self, question: str) -> None:
        """Raises Refused where a rule that blocks finds something in it."""
        if not self.passes(question, "question"):
            blocking = next(each for each in self.findings if each.blocked)
            raise Refused(
                f"The question was not asked: {blocking.reason} (rule {blocking.rule}). Change it; "
                "safety.block says which rules block.",
                ["query"],
            )

    def news(self) -> list[str]:
        """Sentences on what was found since the last call."""
        new, self._told = self.findings[self._told :], len(self.findings)
        return [_in_words(each) for each in new]


def _in_words(finding: RuleFinding) -> str:
    place = f"the passage of {finding.passage}" if finding.side == "passage" else f"the {finding.side}"
    done = {"passage": " and was left out", "answer": " and is not given"}.get(finding.side, "")
    reason = finding.reason.removeprefix("it ")
    return f"{place} {reason}{done if finding.blocked else ''} (rule {finding.rule})"


def _rule(name: str, config: SafetyConfig) -> Rule:
    own = {"deny": _deny(config.deny), "secrets": _secrets, "planted": _planted}
    return own[name] if name in own else added_rule(name)


def added_rule(name: str) -> Rule:
    """A rule of a plug-in by its name or `module:object`. Raises PluginError."""
    if plugins.is_target(name):
        plugins.take("rules", name)
    plugin, rule = plugins.load("rules", name)
    if not callable(rule):
        raise plugin.error("is no function (text, side) -> str")

    def checked(text: str, side: RuleSide) -> str:
        said = rule(text, side)
        if not isinstance(said, str):
            raise CodexError(f"it gave {type(said).__name__}, not a str")
        return said

    return checked


def _deny(entries: Sequence[str]) -> Rule:
    patterns = [(entry, pattern_of(entry)) for entry in entries]

    def deny(text: str, side: RuleSide) -> str:
        denied = next((entry for entry, pattern in patterns if pattern.search(text)), None)
        return f"it holds {denied!r}, which is denied" if denied else ""

    return deny


def _secrets(text: str, side: RuleSide) -> str:
    found = secrets(text)
    return f"it holds a {found[0].kind}" if found else ""


def _planted(text: str, side: RuleSide) -> str:
    why = planted(text) if side == "passage" else ""
    return f"it seems to give orders to the model: {why}" if why else ""
