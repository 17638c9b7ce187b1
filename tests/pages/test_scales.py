"""The colour scale."""

from __future__ import annotations

from codex.pages.ask.scales import SCALES


def test_captions_say_on_which_side_of_the_border_a_step_lies() -> None:
    assert SCALES["probability"].captions == ("≥ 0.9", "≥ 0.7", "≥ 0.5", "≥ 0.3", "< 0.3")
    assert SCALES["entropy"].captions[0] == "≤ 0.5"
    assert SCALES["entropy"].captions[-1] == "> 2.5"


def test_the_borders_run_from_sure_to_unsure() -> None:
    for scale in SCALES.values():
        assert list(scale.edges) == sorted(scale.edges, reverse=scale.falling)
