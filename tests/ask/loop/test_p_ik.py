"""P(IK): a rule on it has the documents searched before an answer is written in vain."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from codex.ask.workbench import Workbench
from codex.policy import Policy, Rule
from codex.training.probe import train_probes
from tests.support.probed import KnowingEngine, knowing, put_known
from tests.support.serving import workbench

RULE = Policy(rules=(Rule(signal="p_ik", below=0.5, gate="retrieve"),))


def prepared(home: Path, engine: KnowingEngine) -> Workbench:
    opened = workbench(home, engine, "store.privacy=full")
    run = put_known(opened.store, engine, graded=100)
    opened.active.activate_probes(train_probes(opened, [run.id]).version)
    document = home / "capitals.txt"
    document.write_text("The capital of Australia is Canberra. The capital of Ghana is Accra.")
    opened.index.add([document])
    opened.index.run()
    engine.decodes.clear()
    return opened


def question(engine: KnowingEngine, known: bool) -> str:
    return next(each for each, correct in engine.truth.items() if correct is known)


def test_what_the_model_does_not_know_is_retrieved_at_once(tmp_path: Path) -> None:
    engine = knowing()
    with closing(prepared(tmp_path, engine)) as opened:
        trace = opened.answer(question(engine, known=False), n_samples=2, policy=RULE)
        assert [step.kind for step in trace.steps] == ["retrieve"]
        assert len(engine.decodes) == 1
        assert trace.last.observation.passages
        known = trace.last.signals["p_ik"]
        assert known is not None
        assert known < 0.5
        assert "before the first answer" in trace.last.decision.reason
        assert opened.store.load(trace.id) == trace


def test_what_it_knows_is_answered(tmp_path: Path) -> None:
    engine = knowing()
    with closing(prepared(tmp_path, engine)) as opened:
        trace = opened.answer(question(engine, known=True), n_samples=2, policy=RULE)
        assert [step.kind for step in trace.steps] == ["ask"]
        assert (trace.last.signals["p_ik"] or 0) > 0.5


def test_no_rule_no_probes_or_no_retrieval_and_nothing_is_read_before(tmp_path: Path) -> None:
    engine = knowing()
    with closing(prepared(tmp_path, engine)) as opened:
        engine.asked.clear()
        unknown = question(engine, known=False)
        trace = opened.answer(unknown, n_samples=2, policy=Policy(rules=()))
        assert [step.kind for step in trace.steps] == ["ask"]
        opened.active.activate_probes(None)
        trace = opened.answer(unknown, n_samples=2, policy=RULE)
        assert [step.kind for step in trace.steps] == ["ask"]
        assert len(engine.asked) == len(engine.decodes) == 2


def test_without_documents_the_question_is_answered_and_says_so(tmp_path: Path) -> None:
    engine = knowing()
    with closing(workbench(tmp_path, engine)) as opened:
        run = put_known(opened.store, engine, graded=100)
        opened.active.activate_probes(train_probes(opened, [run.id]).version)
        trace = opened.answer(question(engine, known=False), n_samples=2, policy=RULE)
        assert [step.kind for step in trace.steps] == ["ask"]
        assert "no documents" in trace.last.decision.reason
