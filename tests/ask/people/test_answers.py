"""People's answers in the place of the model's: to whom they are given, and to whom not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from codex.ask.people.answers import MOST_COMPARED, PeoplesAnswers
from codex.ask.response import response_to
from codex.ask.workbench import Workbench
from codex.errors import InvalidInput, ModelError, NotFound
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding
from codex.settings import load_settings
from codex.store import Store
from codex.types import Action
from tests.support.scripted import Script, ScriptedEngine
from tests.support.traces import make_trace

QUESTION = "What is the capital of Australia?"
LIKE = "whats Australia's capital city"
NEAR = "What is the capital of Austria?"
UNSURE = Script(["Perhaps", " Sydney"], [0.5, 0.35], samples=["Perhaps Sydney", "Canberra"])


class Counted:
    """The packaged embedding, and how often it was used."""

    def __init__(self, embedding: Embedding) -> None:
        self.embedding = embedding
        self.asked: list[str] = []
        self.failure: Exception | None = None

    def __call__(self, questions: Sequence[str]) -> NDArray[np.float32]:
        if self.failure:
            raise self.failure
        self.asked += questions
        return self.embedding.encode(questions)


@pytest.fixture(scope="module")
def embedding() -> Iterator[Embedding]:
    embedding = Embedding(RetrievalConfig())
    yield embedding
    embedding.close()


@pytest.fixture
def embed(embedding: Embedding) -> Counted:
    return Counted(embedding)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb", "hash") as store:
        yield store


@pytest.fixture
def people(store: Store, embed: Counted) -> PeoplesAnswers:
    return PeoplesAnswers(store, embed)


def test_an_answer_is_given_to_its_question_and_to_like_ones_and_not_to_near_ones(
    people: PeoplesAnswers,
) -> None:
    kept = people.put("Canberra", " Ada ", question=QUESTION, source="atlas")
    same, like = people.find(f"{QUESTION.upper()} "), people.find(LIKE)
    assert same
    assert same.same
    assert same.similarity is None
    assert like
    assert not like.same
    assert like.similarity
    assert like.similarity > 0.65
    assert (like.id, like.answer, like.author, like.source, like.made_at) == (
        *(kept.id, "Canberra", "Ada", "atlas", kept.made_at),
    )
    assert people.find(NEAR) is None
    assert people.find("What is the currency of Australia?") is None


def test_an_edited_answer_is_given_as_it_is_now(people: PeoplesAnswers) -> None:
    kept = people.put("Sydney", "Ada", question=QUESTION)
    edited = people.edit(kept.id, answer="Canberra", author="Bob", source="", expires_at=None)
    for question in (QUESTION, LIKE):
        found = people.find(question)
        assert found
        assert (found.answer, found.author, found.made_at) == ("Canberra", "Bob", edited.edited_at)


def test_a_withdrawn_answer_is_given_no_more_until_it_is_edited(people: PeoplesAnswers) -> None:
    kept = people.put("Canberra", "Ada", question=QUESTION)
    withdrawn = people.withdraw(kept.id)
    assert withdrawn.withdrawn_at
    assert people.withdraw(kept.id) == withdrawn
    assert [people.find(each) for each in (QUESTION, LIKE)] == [None, None]
    people.edit(kept.id, answer="Canberra", author="Ada", source="", expires_at=None)
    assert all(people.find(each) for each in (QUESTION, LIKE))
    people.delete(kept.id)
    assert [people.find(each) for each in (QUESTION, LIKE)] == [None, None]
    for call in (people.withdraw, people.delete):
        with pytest.raises(NotFound):
            call(kept.id)


def test_an_answer_expires_and_can_be_prolonged(people: PeoplesAnswers) -> None:
    now = datetime.now(UTC)
    kept = people.put("Canberra", "Ada", question=QUESTION, expires_at=now + timedelta(days=1))
    for question in (QUESTION, LIKE):
        assert people.find(question, now + timedelta(hours=23))
        assert people.find(question, now + timedelta(hours=25)) is None
    people.edit(kept.id, answer="Canberra", author="Ada", source="", expires_at=now + timedelta(days=3))
    assert people.find(LIKE, now + timedelta(hours=25))
    with pytest.raises(InvalidInput, match="expire at once"):
        people.put("Perth", "Ada", question=QUESTION, expires_at=now)


def test_of_several_answers_the_newest_is_given(people: PeoplesAnswers) -> None:
    first = people.put("Sydney", "Ada", question=QUESTION)
    people.put("Canberra", "Bob", question=QUESTION)
    found = people.find(QUESTION)
    assert found
    assert found.author == "Bob"
    people.edit(first.id, answer="Canberra!", author="Ada", source="", expires_at=None)
    found = people.find(QUESTION)
    assert found
    assert found.author == "Ada"


def test_a_restart_finds_them_without_embedding_them_again(store: Store, embed: Counted) -> None:
    PeoplesAnswers(store, embed).put("Canberra", "Ada", question=QUESTION)
    again = PeoplesAnswers(store, embed)
    embed.asked.clear()
    assert again.find(LIKE)
    assert embed.asked == [LIKE]


def test_missing_vectors_are_made_once(store: Store, embed: Counted, people: PeoplesAnswers) -> None:
    kept = people.put("Canberra", "Ada", question=QUESTION)
    store.people.delete(kept.id)
    store.people.add(kept, None)
    for expected in ([QUESTION, LIKE], [LIKE]):
        embed.asked.clear()
        assert PeoplesAnswers(store, embed).find(LIKE)
        assert embed.asked == expected


def test_without_answers_no_question_is_embedded(people: PeoplesAnswers, embed: Counted) -> None:
    assert people.find(QUESTION) is None
    assert embed.asked == []


@pytest.mark.parametrize("privacy", ["hash", "preview"])
def test_where_a_question_was_not_kept_only_the_very_same_gets_its_answer(
    store: Store, people: PeoplesAnswers, embed: Counted, privacy: str
) -> None:
    store.privacy = privacy  # type: ignore[assignment]
    long = f"{'Well, ' * 30}{QUESTION}"  # More than a preview keeps.
    store.save(make_trace(1, question=long))
    kept = people.put("Canberra", "Ada", trace_id="trace-1")
    assert kept.question is None
    assert embed.asked == []
    found = people.find(long)
    assert found
    assert found.same
    assert people.find(LIKE) is None
    assert people.find(f"{long} please") is None
    assert not [vector for _, vector in store.people.standing() if vector is not None]


def test_a_question_that_was_kept_in_full_is_found_in_other_words_until_its_session_goes(
    store: Store, people: PeoplesAnswers
) -> None:
    store.privacy = "full"
    store.save(make_trace(1, question=QUESTION))
    kept = people.put("Canberra", "Ada", trace_id="trace-1")
    assert kept.question == QUESTION
    assert people.find(LIKE)
    store.delete_session("s")
    people.forget_questions()
    assert store.people.get(kept.id).question is None
    assert people.find(QUESTION)
    assert people.find(LIKE) is None


def test_a_question_of_which_the_session_goes_while_it_is_answered_is_not_kept(
    store: Store, people: PeoplesAnswers, embed: Counted
) -> None:
    store.privacy = "full"
    store.save(make_trace(1, question=QUESTION))

    def deleted_meanwhile(questions: Sequence[str]) -> NDArray[np.float32]:
        store.delete_session("s")
        return embed(questions)

    with pytest.raises(NotFound, match="trace-1"):
        PeoplesAnswers(store, deleted_meanwhile).put("Canberra", "Ada", trace_id="trace-1")
    assert store.people.list() == []


def test_no_vector_is_kept_of_a_question_that_went_while_it_was_embedded(
    store: Store, people: PeoplesAnswers, embed: Counted
) -> None:
    store.privacy = "full"
    store.save(make_trace(1, question=QUESTION))
    kept = people.put("Canberra", "Ada", trace_id="trace-1")
    store.delete_session("s")
    store.people.keep_vectors([(kept.id, embed([QUESTION])[0])])
    assert [vector for _, vector in store.people.standing()] == [None]


def test_a_question_that_its_author_typed_stays(store: Store, people: PeoplesAnswers) -> None:
    store.save(make_trace(1, question=QUESTION))
    kept = people.put("Canberra", "Ada", question=QUESTION, trace_id="trace-1")
    store.delete_session("s")
    people.forget_questions()
    assert store.people.get(kept.id).question == QUESTION
    assert people.find(LIKE)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"question": " "}, "question"),
        ({"question": "x" * 10_001}, "question"),
        ({"question": "half \ud800"}, "question"),
        ({"question": QUESTION, "answer": " "}, "answer"),
        ({"question": QUESTION, "author": ""}, "author"),
        ({"question": QUESTION, "author": "x" * 65}, "author"),
        ({"question": QUESTION, "source": "x" * 1001}, "source"),
        ({"question": QUESTION, "answer": "half \ud800"}, "answer"),
    ],
    ids=[
        "no question",
        "long",
        "half",
        "no answer",
        "no author",
        "long author",
        "long source",
        "half answer",
    ],
)
def test_what_cannot_be_kept_is_refused_and_says_where(
    people: PeoplesAnswers, store: Store, given: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as error:
        people.put(**{"answer": "Canberra", "author": "Ada", **given})  # type: ignore[arg-type]
    assert field in error.value.fields
    assert store.people.list() == []
    with pytest.raises(NotFound):
        people.put("Canberra", "Ada", trace_id="nowhere")


def test_a_like_question_is_found_among_more_near_ones_than_are_compared(
    people: PeoplesAnswers,
) -> None:
    for number in range(MOST_COMPARED + 20):
        people.put(str(number), "Ada", question=f"What is {number} plus {number + 1}?")
    found = people.find("how much is 41 + 42")
    assert found
    assert found.answer == "41"


Bench = Callable[..., Workbench]


@pytest.fixture
def bench(tmp_path: Path, embed: Counted, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    opened: list[Workbench] = []

    def make(*overrides: str) -> Workbench:
        settings = load_settings([f"home={tmp_path}", *overrides])
        engine = ScriptedEngine(lambda prompt: UNSURE)
        opened.append(Workbench(settings, engine, Store(tmp_path / f"{len(opened)}.duckdb", "full")))
        monkeypatch.setattr(opened[-1], "embed_questions", embed)
        opened[-1].people = PeoplesAnswers(opened[-1].store, embed)
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_a_deferred_question_that_a_person_answered_is_served_beside_the_models_own_answer(
    bench: Bench,
) -> None:
    workbench = bench()
    deferred = workbench.answer(QUESTION)
    assert deferred.last.decision.action is Action.DEFER
    assert [each.question for each in workbench.store.people.open_questions()] == [QUESTION]
    workbench.people.put("Canberra", "Ada", trace_id=deferred.id)
    assert workbench.store.people.open_questions() == []

    served = workbench.answer(LIKE)
    assert served.answer == "Canberra"
    assert served.last.observation.generation.text == "Perhaps Sydney"
    assert served.last.decision.action is Action.DEFER
    assert workbench.store.load(served.id).params.person == served.params.person
    response = response_to(served)
    assert (response.answer, response.model_answer) == ("Canberra", "Perhaps Sydney")
    assert response.person_answer
    assert response.person_answer.author == "Ada"
    assert response.rationale.startswith("Answered by Ada on ")
    assert workbench.store.people.open_questions() == []

    assert workbench.answer(NEAR).params.person is None
    branch = list(workbench.branch(served.id, 0, 2000))[-1]
    assert branch.trace.params.person is None  # type: ignore[union-attr]


def test_people_can_be_switched_off(bench: Bench) -> None:
    workbench = bench("ask.people=false")
    workbench.people.put("Canberra", "Ada", question=QUESTION)
    trace = workbench.answer(QUESTION)
    assert trace.params.person is None
    assert response_to(trace).person_answer is None


def test_where_they_cannot_be_searched_the_model_answers(bench: Bench, embed: Counted) -> None:
    workbench = bench()
    workbench.people.put("Canberra", "Ada", question=QUESTION)
    embed.failure = ModelError("gone")
    assert workbench.answer(LIKE).params.person is None
    assert workbench.answer(QUESTION).answer == "Canberra"  # The same question needs no vector.
