"""The recordings that ship: real answers that tell their stories, played as they came."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from codex.demo.documents import FOLDER
from codex.demo.recording import (
    Recording,
    check,
    events,
    is_correct,
    read,
    shipped,
    write,
)
from codex.demo.stories import STORIES, Story
from codex.errors import Conflict
from codex.paths import resources
from codex.types import DecisionEvent, Gate, TokenEvent, TraceEvent


def recorded(story: str) -> Recording:
    return next(each for each in shipped().recordings if each.story == story)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.id)
def test_each_story_is_told_by_its_recording(story: Story) -> None:
    trace = recorded(story.id).trace
    assert trace.question == story.question
    assert trace.model == shipped().model
    check(story, trace)


def test_it_is_incorrect_without_the_document_and_correct_with_it() -> None:
    story = next(each for each in STORIES if each.id == "looks-up")
    first, last = recorded("looks-up").trace.steps
    assert (is_correct(story, first), first.decision.gate) == (False, Gate.RETRIEVE)
    assert is_correct(story, last) is True
    assert not first.observation.passages
    (passage,) = last.observation.passages
    text = (resources("datasets") / FOLDER / "documents" / passage.document).read_text()
    assert passage.text.strip() in text
    assert "Ulaanbaatar" in passage.text


def test_a_story_that_turns_out_otherwise_is_not_recorded() -> None:
    trace = recorded("knows").trace
    for story in STORIES:
        if story.id != "knows":
            with pytest.raises(Conflict, match="does not tell"):
                check(story, trace)


@pytest.mark.parametrize("recording", shipped().recordings, ids=lambda recording: recording.story)
def test_it_plays_in_order_and_to_the_end(recording: Recording) -> None:
    played = list(recording.played())
    assert all(before <= after for (before, _), (after, _) in pairwise(played))
    assert isinstance(played[-1][1], TraceEvent)
    assert played[-1][0] == pytest.approx(recording.trace.seconds, abs=0.5)  # the same clock, read twice
    tokens = [event for _, event in played if isinstance(event, TokenEvent) and event.step == 0]
    told = "".join(event.token.text for event in tokens)
    assert told.strip() == recording.trace.steps[0].observation.generation.text.strip()
    decided = [event.decision for _, event in played if isinstance(event, DecisionEvent)]
    assert decided == [step.decision for step in recording.trace.steps]


def test_what_was_recorded_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "recordings.json.gz"
    write(path, shipped())
    again = read(path)
    assert again.recordings[0].seconds == shipped().recordings[0].seconds
    assert [each.trace.id for each in again.recordings] == [each.trace.id for each in shipped().recordings]
    assert list(events(again.recordings[1].trace))[:-1] == list(events(shipped().recordings[1].trace))[:-1]
    assert again == replace(shipped())
