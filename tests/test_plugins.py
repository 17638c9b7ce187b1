"""What packages and modules of one's own add: found by name, loaded late, and never by a request."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex import engines
from codex.ask.models.switching import engine_settings
from codex.engines.models import Models
from codex.errors import CodexError, InvalidInput, PluginError, SettingsError
from codex.grading.grades import grade, known, taken
from codex.grounding.added import added_judge
from codex.items import Item
from codex.settings import load_settings
from codex.signals import REGISTRY, add_signals, compute
from codex.training.agents import agent
from codex.training.own_models import tokenizer_of
from codex.training.rewards import reward
from codex.types import Passage
from tests.support.observations import make_token, observe
from tests.support.plugged import install, packages
from tests.support.scripted import ScriptedEngine
from tests.support.serving import SURE, assert_error, running, workbench

ITEM = Item("1", "Capital of France?", ("Paris",), "capitals")
SIGNAL = """
from codex.signals import signal

@signal("{name}", label="Mine", meaning="It is mine.", forms=("whole",), needs=set(), source="mine",
        higher_is_confident=True, scale=(0.0, 1.0))
def mine(view):
    return {value}
"""
GRADERS = """
def always(item, text):
    return 1
always.above = 0.9

def fails(item, text):
    raise KeyError("where")

def twice(item, text):
    return 2.0

number = 7
"""
JUDGE = """
from codex.grounding.judges import Finding, Thresholds

class Yes:
    name = "yes"
    thresholds = Thresholds(supported=0.5)

    def judge(self, question, sentence, passages):
        return Finding(1.0, passage=0)

class Nothing:
    pass
"""
ENGINE = """
from codex.engines.base import Capabilities, Engine, EngineConfig, Finished
from codex.types import Generation

class Config(EngineConfig):
    model_path: str = "echo-1"
    loudness: int = 3

class Echo(Engine):
    name = "echo"
    Config = Config
    capabilities = Capabilities("none", False, False, False, False)
    is_loaded = True
    fingerprint = "echo"

    def __init__(self, config, models):
        self.config = config

    def load(self): ...
    def unload(self): ...
    def render(self, messages): return None
    def tokenize(self, text): return []

    def decode(self, prompt, rows, **others):
        yield Finished(0, Generation("!" * self.config.loudness, (), "stop", 1, 0.0))
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder on sys.path for packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    with packages(folder):
        yield folder


def mine() -> dict[str, float | None]:
    return compute(observe("Where?", [make_token("Paris", 0.5)]))


def test_what_is_broken_is_told_and_the_rest_works(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    install(site, "broken", {"signals": {"a_broken": "broken_signals"}}, broken_signals="import not_there")
    half = SIGNAL.format(name="half", value=1) + "\nraise SystemExit(3)"
    install(site, "half", {"signals": {"b_half": "half_signals"}}, half_signals=half)
    install(site, "takes", {"signals": {"c": "takes_it"}}, takes_it=SIGNAL.format(name="p_true", value=1))
    install(site, "empty", {"signals": {"d": "empty_it"}}, empty_it="")
    install(site, "works", {"signals": {"e": "works_it"}}, works_it=SIGNAL.format(name="mine", value=0.5))
    with caplog.at_level(logging.WARNING):
        add_signals()
        add_signals()
    assert [record.getMessage() for record in caplog.records] == [
        "The signal 'a_broken' of broken 0.1.0 cannot be loaded: ModuleNotFoundError: No module named "
        "'not_there'. Update the package, or remove it: pip uninstall broken.",
        "The signal 'b_half' of half 0.1.0 cannot be loaded: SystemExit: 3. "
        "Update the package, or remove it: pip uninstall half.",
        "The signal 'c' of takes 0.1.0 cannot be added: There is a signal 'p_true' already, of Codex: "
        "give it another name. Update the package, or remove it: pip uninstall takes.",
        "The signal 'd' of empty 0.1.0 registers none: decorate a function with codex.signals.signal. "
        "Update the package, or remove it: pip uninstall empty.",
    ]
    assert mine()["mine"] == 0.5
    assert "half" not in REGISTRY
    assert REGISTRY["p_true"].package == ""


def test_a_signal_that_fails_is_missing(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    install(
        site, "fails", {"signals": {"mine": "fails_it"}}, fails_it=SIGNAL.format(name="mine", value="1 / 0")
    )
    add_signals()
    with caplog.at_level(logging.WARNING):
        found = [mine(), mine()]
    assert [(each["mine"], each["avg_logprob"]) for each in found] == [
        (None, pytest.approx(-0.693, abs=1e-3))
    ] * 2
    assert len(caplog.records) == 1
    assert "'mine' of fails 0.1.0 failed" in caplog.records[0].getMessage()


def test_a_signal_of_ones_own_module_is_a_setting(site: Path) -> None:
    (site / "own_signals.py").write_text(SIGNAL.format(name="mine", value=1))
    load_settings(["ask.signals=[own_signals:mine]"])
    assert mine()["mine"] == 1.0
    assert REGISTRY["mine"].package.startswith("own_signals@"), "its file's content is its version"
    with pytest.raises(PluginError, match=r"'own_signals:other'.* own_signals has no 'other'. Correct it"):
        load_settings(["ask.signals=[own_signals:other]"])
    with pytest.raises(PluginError, match=r"has no 'mien' \(did you mean 'mine'\?\). Correct it"):
        load_settings(["ask.signals=[own_signals:mien]"])
    with pytest.raises(PluginError, match="is no module:object"):
        load_settings(["ask.signals=[own_signals]"])


def test_graders_are_loaded_when_they_are_wanted(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    points = {name: f"my_graders:{name}" for name in ("always", "fails", "twice", "number", "absent")}
    install(site, "grading", {"graders": points}, my_graders=GRADERS)
    assert known("short") == "short"
    assert "my_graders" not in sys.modules
    assert grade(ITEM, "Lyon", "always").correct is True
    with caplog.at_level(logging.WARNING):
        assert [grade(ITEM, "Lyon", name).correct for name in ("fails", "twice")] == [None, None]
    assert "'fails' of grading 0.1.0 could not grade an answer: KeyError" in caplog.text
    assert "a score of 2 is not in [0, 1]" in caplog.text
    for name, why in (("number", "is no function"), ("absent", "my_graders has no 'absent'")):
        with pytest.raises(PluginError, match=f"'{name}' of grading 0.1.0 .*{why}.*pip uninstall grading"):
            known(name)


def test_two_packages_may_not_give_one_name(site: Path) -> None:
    for name in ("one", "two"):
        install(site, name, {"graders": {"always": f"graders_{name}:always"}}, **{f"graders_{name}": GRADERS})
    with pytest.raises(
        PluginError, match=r"one 0.1.0 and two 0.1.0 both add the grader 'always': uninstall one"
    ):
        known("always")


def test_unknown_names_say_the_nearest(site: Path) -> None:
    install(site, "grading", {"graders": {"always": "my_graders:always"}}, my_graders=GRADERS)
    with pytest.raises(InvalidInput, match="no grader 'alwys'; did you mean 'always'"):
        known("alwys")
    with pytest.raises(SettingsError, match="'modle': there is no such judge; did you mean 'model'"):
        load_settings(["grounding.judge=modle"])
    with pytest.raises(SettingsError, match="Unknown engine 'lama_cpp'; did you mean 'llama_cpp'"):
        load_settings(["engine=lama_cpp"])


def test_a_judge_is_named_in_the_settings(site: Path) -> None:
    install(site, "judging", {"judges": {"yes": "my_judges:Yes"}}, my_judges=JUDGE)
    for name, package in (("yes", "judging 0.1.0"), ("my_judges:Yes", "my_judges")):
        settings = load_settings([f"grounding.judge={name}"])
        judge, of = added_judge(settings.grounding.judge)
        assert of == package
        assert judge.judge("Where?", "In Paris.", [Passage("1", "a", "a", "Paris", 0, 5)]).probability == 1.0
    load_settings(["grounding.judge=my_judges:Nothing"])
    with pytest.raises(PluginError, match=r"'my_judges:Nothing'.*name, thresholds, judge\(\)"):
        added_judge("my_judges:Nothing")


def test_an_engine_brings_its_own_settings(site: Path) -> None:
    install(site, "echoing", {"engines": {"echo": "my_engines:Echo"}}, my_engines=ENGINE)
    for name in ("echo", "my_engines:Echo"):
        settings = load_settings([f"engine={name}", "engine.loudness=5", "engine.params.max_tokens=9"])
        assert settings.engine.params.max_tokens == 9
        assert settings.model_dump()["engine"]["loudness"] == 5
        made = engines.create(settings.engine.name, settings.engine, Models(settings.home))
        assert made.complete("Hello", settings.engine.params).text == "!!!!!"
    with pytest.raises(SettingsError, match=r"'engine.loudnes'; did you mean 'engine.loudness'"):
        load_settings(["engine=echo", "engine.loudnes=5"])
    with pytest.raises(SettingsError, match=r"engine.loudness = 'loud'"):
        load_settings(["engine=echo", "engine.loudness=loud"])
    with pytest.raises(PluginError, match="'my_engines:Config' of my_engines is no subclass"):
        load_settings(["engine=my_engines:Config"])


def test_no_request_runs_a_module(site: Path, tmp_path: Path) -> None:
    (site / "evil.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w').close()\n\ndef run(item, text): return 1"
    )
    with running(workbench(tmp_path / "home", ScriptedEngine(lambda prompt: SURE))) as served:
        http = served.http
        body = {"dataset": "capitals", "grader": "evil:run"}
        assert "command line alone" in assert_error(http.post("/evaluations", json=body), 422)["message"]
        sent = {"model": "smollm2-135m-instruct", "engine": "evil:run"}
        assert_error(http.post("/models/active", json=sent), 422)
        own = http.post("/models/active", json={"model": "evil:run", "engine": "huggingface"})
        assert "no model 'evil:run'" in own.text
        row = b"question,answers,grader\nWhere?,There,evil:run\n"
        draft = http.put("/datasets/drafts/x?file=a.csv&grader=evil:run", content=row)
        assert draft.status_code == 422
        http.put("/datasets/drafts/y?file=a.csv", content=row)
        told = {
            "question": "Where?",
            "answer": "There",
            "answers": ["There"],
            "model": "m",
            "grader": "evil:run",
        }
        for wanted in ("", "?grader=evil:run"):
            http.put(f"/evaluations/import/a.jsonl{wanted}", content=json.dumps(told))
        # What the pages call with what a browser sent them.
        for act in (
            lambda: engine_settings(served.workbench.settings, "x", "evil:run"),  # type: ignore[arg-type]
            lambda: grade(ITEM, "Paris", "evil:run"),
            lambda: reward("evil:run"),
            lambda: agent("evil:run"),
            lambda: tokenizer_of("evil:run"),
        ):
            with pytest.raises(CodexError, match="There is no"):
                act()
    assert not (tmp_path / "ran").exists()
    assert taken("evil:run") == "evil:run", "the command line may"
    assert (tmp_path / "ran").exists()
