"""Figures: what they hold, that JSON can carry them, and that no text becomes markup."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from codex import figures

HOSTILE = "<b onclick=x>${1+1}</b>"
EVERY: dict[str, dict[str, Any]] = {
    "reliability": figures.reliability(
        [5, 0, 9], [0.2, math.nan, 0.9], [0.4, math.nan, 1.0], [0.1, 0, 0.7], [0.8, 1, 1]
    ),
    "histogram": figures.histogram(np.array([0.1, 0.9, math.nan]), [True, False, True]),
    "risk_coverage": figures.risk_coverage(
        np.linspace(0.1, 1, 10), np.linspace(0, 0.4, 10), [math.inf, *np.linspace(0.9, 0.1, 9)],
        point=(0.5, 0.2), other=(0.6, 0.25), guarantee=(0.1, 0.4),
    ),
    "signal_scatter": figures.signal_scatter(
        [0.1, 0.2, math.nan], [1, 2, 3], [True, False, True],
        x_name=HOSTILE, y_name="b", texts=[HOSTILE] * 3,
    ),
    "interval_bars": figures.interval_bars(
        [HOSTILE, "b", "c"], [0.7, math.nan, 0.8], [0.6, 0, 0.7], [0.8, 1, 0.9]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EVERY)
def test_json_carries_the_figure_as_it_is(name: str) -> None:
    figure = EVERY[name]
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure


@pytest.mark.parametrize("name", EVERY)
def test_the_page_decides_on_the_theme(name: str) -> None:
    layout = EVERY[name]["layout"]
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert "template" not in layout
    assert "font" not in layout


@pytest.mark.parametrize("name", EVERY)
def test_every_figure_has_a_title_axes_and_hover(name: str) -> None:
    figure = EVERY[name]
    assert figure["layout"]["title"]["text"]
    assert figure["layout"]["xaxis"]["title"]["text"]
    assert all(trace.get("hovertemplate") or trace["hoverinfo"] == "skip" for trace in figure["data"])


@pytest.mark.parametrize("name", EVERY)
def test_no_text_becomes_markup(name: str) -> None:
    assert "<b" not in json.dumps(EVERY[name]).replace("<br>", "")


def test_empty_bins_are_left_out_and_intervals_reach_from_low_to_high() -> None:
    points = EVERY["reliability"]["data"][1]
    assert points["x"] == [0.2, 0.9]
    assert points["error_y"]["array"] == pytest.approx([0.4, 0.0])
    assert points["error_y"]["arrayminus"] == pytest.approx([0.3, 0.3])


def test_the_histogram_counts_right_and_wrong_apart_and_no_nan() -> None:
    correct, incorrect = EVERY["histogram"]["data"]
    assert (sum(correct["y"]), sum(incorrect["y"])) == (1, 1)
    assert correct["marker"]["pattern"] != incorrect["marker"]["pattern"]


def test_a_curve_of_a_million_points_is_thinned_and_keeps_its_ends() -> None:
    coverage = np.linspace(1e-6, 1, 1_000_000)
    curve = figures.risk_coverage(coverage, coverage / 2, 1 - coverage)["data"][0]
    # 1,000: no screen shows more.
    assert len(curve["x"]) <= 1000
    assert (curve["x"][0], curve["x"][-1]) == (1e-6, 1.0)


def test_the_curve_says_its_threshold_and_carries_the_policys_point() -> None:
    curve, guarantee, active, policy = EVERY["risk_coverage"]["data"]
    assert curve["customdata"][:2] == ["above all", "90%"]
    assert (guarantee["x"], guarantee["y"]) == ([0, 0.4], [0.1, 0.1])
    assert (active["x"], policy["x"]) == ([0.6], [0.5])


def test_a_hover_calls_no_share_100_percent_that_is_less() -> None:
    near = [0.996]
    bins = figures.reliability([3], near, near, [0.991], [0.9991])["data"][1]
    assert bins["text"] == ["confidence 99.6%<br>correct 99.6% [99%, 99.9%]<br>3 answers"]
    curve, guarantee, active, policy = figures.risk_coverage(
        near, [0.004], [0.9], point=(0.996, 0.004), other=(0.996, 0.004), guarantee=(0.125, 0.996)
    )["data"]
    for trace in (curve, active, policy):
        assert trace["text"] == ["answered 99.6%<br>incorrect 0.40%"]
    assert guarantee["text"][1] == "12.5% incorrect, answering 99.6%"
    assert figures.histogram([0.5], bins=40)["data"][0]["hovertext"][1] == "2.5% to 5%"


@pytest.mark.parametrize("name", EVERY)
def test_shares_in_hovers_are_written_by_codex_and_not_by_plotly(name: str) -> None:
    hovers = [trace.get("hovertemplate") or "" for trace in EVERY[name]["data"]]
    assert not any("p}" in hover or "%}" in hover for hover in hovers)


def test_right_and_wrong_differ_in_more_than_colour() -> None:
    correct, incorrect = EVERY["signal_scatter"]["data"]
    assert correct["marker"]["symbol"] != incorrect["marker"]["symbol"]


def test_a_scatter_says_what_it_leaves_out() -> None:
    assert "1 lack a signal" in EVERY["signal_scatter"]["layout"]["title"]["text"]
    many = np.arange(9001.0)
    large = figures.signal_scatter(many, many, many > 5, x_name="a", y_name="b")
    assert sum(len(trace["x"]) for trace in large["data"]) == 3001
    assert "3001 of 9001 drawn" in large["layout"]["title"]["text"]


def test_bars_stand_best_on_top_and_leave_out_what_is_not_known() -> None:
    figure = EVERY["interval_bars"]
    # Plotly draws the first category at the bottom.
    assert figure["data"][0]["x"] == [0.7, 0.8]
    assert figure["layout"]["shapes"][0]["x0"] == 0.5


@pytest.mark.parametrize("nothing", [[], [math.nan]])
def test_figures_of_nothing_are_empty_and_not_an_error(nothing: list[float]) -> None:
    for figure in (
        figures.reliability(nothing, nothing, nothing, nothing, nothing),
        figures.histogram(nothing),
        figures.risk_coverage(nothing, nothing, nothing),
        figures.signal_scatter(nothing, nothing, [True] * len(nothing), x_name="a", y_name="b"),
        figures.interval_bars(["a"] * len(nothing), nothing, nothing, nothing),
    ):
        json.dumps(figure, allow_nan=False)


@pytest.mark.parametrize("colour", [figures.TEAL, figures.AMBER, figures.ROSE, figures.INDIGO, figures.GREY])
@pytest.mark.parametrize("page", ["#ffffff", "#161b22"])
def test_marks_read_on_a_light_and_on_a_dark_page(colour: str, page: str) -> None:
    def luminance(text: str) -> float:
        channels = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(colour), luminance(page)), reverse=True)
    # 3 : 1 is what WCAG 1.4.11 asks of graphics.
    assert (bright + 0.05) / (dark + 0.05) >= 3


def test_a_scatter_may_be_coloured_by_classes_the_smallest_together() -> None:
    classes = [f"<b>{'abcdefg'[at % 7]}</b>" for at in range(70)] + ["large"] * 30
    correct = [at % 2 == 0 for at in range(100)]
    found = figures.signal_scatter(range(100), range(100), correct, x_name="x", y_name="y", classes=classes)
    names = [trace["name"] for trace in found["data"]]
    assert len({name.rpartition(", ")[0] for name in names}) == 5
    assert {"large, correct", "large, incorrect", "others, correct"} <= set(names)
    assert not any("<" in name for name in names)
    assert sum(len(trace["x"]) for trace in found["data"]) == 100
    colours = {(each["name"].rpartition(", ")[0], each["marker"]["color"]) for each in found["data"]}
    assert len(colours) == len(dict(colours)) == 5


def test_a_title_is_text_whatever_a_run_or_calibrator_is_called() -> None:
    drawn = figures.histogram([0.5], title="<img src=x onerror=x>")
    assert drawn["layout"]["title"]["text"] == "&lt;img src=x onerror=x&gt;"
