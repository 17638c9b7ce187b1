"""Data to Plotly figures, as plain dictionaries: no user interface, no files.

Every figure is {"data": [...], "layout": {...}} of lists, numbers and strings, ready for JSON. The
background is transparent and fonts and grid lines have no colour of their own, so that the page's script
can set them for light and dark; the marks' colours read on both. Text from a model or a dataset is
escaped, since Plotly reads its labels as markup.
"""

from __future__ import annotations

import html
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from codex.text import chosen, percent

Figure = dict[str, Any]
Array = NDArray[np.float64]

# At least 3 : 1 against a white and a near-black page.
TEAL, AMBER, ROSE, INDIGO, GREY = "#0d9488", "#d97706", "#e11d48", "#6366f1", "#78859a"
CLEAR = "rgba(0,0,0,0)"

_MOST_POINTS = 1000
_LONGEST_HOVER = 160


def reliability(
    counts: ArrayLike,
    means: ArrayLike,
    rates: ArrayLike,
    lows: ArrayLike,
    highs: ArrayLike,
    *,
    title: str = "Reliability",
) -> Figure:
    """How often answers of a confidence are correct: a point a bin with its interval, beside the diagonal.

    counts, means, rates, lows, highs: [bins]: answers, mean confidence, share correct and its interval.
    Empty bins and bins with a NaN are left out.
    """
    count, mean, rate, low, high = _rows(counts, means, rates, lows, highs)
    full = count > 0
    count, mean, rate, low, high = (each[full] for each in (count, mean, rate, low, high))
    largest = count.max(initial=1.0)
    points = go.Scatter(
        x=mean.tolist(),
        y=rate.tolist(),
        error_y=_between(rate, low, high),
        mode="lines+markers",
        line={"color": INDIGO, "width": 1.5},
        marker={"color": INDIGO, "size": (7 + 9 * np.sqrt(count / largest)).tolist()},
        text=[_bin_text(*row) for row in zip(count, mean, rate, low, high, strict=True)],
        hovertemplate="%{text}<extra></extra>",
        name="answers",
        cliponaxis=False,
    )
    diagonal = go.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dash", "width": 1},
        name="perfectly calibrated", hoverinfo="skip",
    )  # fmt: skip
    return _figure(
        [diagonal, points], title, _share_axis("mean confidence of the bin"), _share_axis("share correct")
    )


def histogram(
    confidences: ArrayLike, correct: ArrayLike | None = None, *, bins: int = 20, title: str = "Confidences"
) -> Figure:
    """How many answers got each confidence; correct and incorrect ones stacked where `correct` is given.

    confidences: [n] in [0, 1], NaN left out; right: [n], true or false.
    """
    value = np.asarray(confidences, dtype=np.float64).ravel()
    known = np.isfinite(value)
    edges = np.linspace(0.0, 1.0, bins + 1)
    spans = [f"{chosen(low)} to {chosen(high)}" for low, high in itertools.pairwise(edges.tolist())]
    if correct is None:
        parts = [("answers", INDIGO, "", known)]
    else:
        is_correct = np.asarray(correct, dtype=np.bool_).ravel()
        parts = [("correct", TEAL, "", known & is_correct), ("incorrect", ROSE, "/", known & ~is_correct)]
    bars = [
        go.Bar(
            x=((edges[:-1] + edges[1:]) / 2).tolist(),
            y=np.histogram(value[part], edges)[0].tolist(),
            width=1 / bins,
            marker={"color": colour, "pattern": {"shape": pattern}, "line": {"width": 0}},
            hovertext=spans,
            hovertemplate="confidence %{hovertext}<br>%{y} " + name + "<extra></extra>",
            name=name,
        )
        for name, colour, pattern, part in parts
    ]
    figure = _figure(
        bars, title, _share_axis("confidence"), {"title": {"text": "answers"}, "rangemode": "tozero"}
    )
    figure["layout"].update(barmode="stack", bargap=0, showlegend=correct is not None)
    return figure


def risk_coverage(
    coverages: ArrayLike,
    risks: ArrayLike,
    thresholds: ArrayLike,
    *,
    point: tuple[float, float] | None = None,
    other: tuple[float, float] | None = None,
    guarantee: tuple[float, float] | None = None,
    title: str = "Risk against coverage",
) -> Figure:
    """What share of the answers given is incorrect, against the share of questions answered.

    coverages, risks, thresholds: [n], of one curve, in the order of coverage. point and other: coverage
    and risk of a policy and of the one it is compared with. guarantee: the guaranteed risk, and the coverage
    up to which it holds.
    """
    coverage, risk, threshold = _thinned(*_rows(coverages, risks, thresholds, infinite=True))
    traces = [
        go.Scatter(
            x=coverage.tolist(),
            y=risk.tolist(),
            mode="lines",
            line={"color": INDIGO, "width": 2},
            customdata=[_threshold(each) for each in threshold.tolist()],
            text=[_place_text(*place) for place in zip(coverage.tolist(), risk.tolist(), strict=True)],
            hovertemplate="threshold %{customdata}<br>%{text}<extra></extra>",
            name="risk",
        )
    ]
    if guarantee is not None:
        alpha, reach = guarantee
        traces.append(
            go.Scatter(
                x=[0, reach], y=[alpha, alpha], mode="lines+markers",
                line={"color": TEAL, "dash": "dot", "width": 2},
                marker={"color": TEAL, "symbol": "line-ns-open", "size": [0, 12]},
                text=[f"{chosen(alpha)} incorrect, answering {percent(share)}" for share in (0.0, reach)],
                hovertemplate="guarantee: ≤ %{text}<extra></extra>",
                name="guarantee",
            )
        )  # fmt: skip
    for name, at, colour, symbol in (
        ("active", other, GREY, "circle-open"),
        ("policy", point, AMBER, "diamond"),
    ):
        if at is not None and np.isfinite(at).all():
            traces.append(
                go.Scatter(
                    x=[at[0]], y=[at[1]], mode="markers", name=name,
                    marker={"color": colour, "size": 12, "symbol": symbol, "line": {"width": 2}},
                    text=[_place_text(*at)],
                    hovertemplate=f"{name}<br>%{{text}}<extra></extra>",
                )
            )  # fmt: skip
    return _figure(
        traces,
        title,
        _share_axis("coverage: share of questions answered"),
        _share_axis("risk: share incorrect among answered") | {"range": None, "rangemode": "tozero"},
    )


def signal_scatter(
    x: ArrayLike,
    y: ArrayLike,
    correct: ArrayLike,
    *,
    x_name: str,
    y_name: str,
    texts: Sequence[str] = (),
    ids: Sequence[str] = (),
    classes: Sequence[str] = (),
    title: str = "",
) -> Figure:
    """One signal against another, correct answers as discs and incorrect ones as crosses.

    x, y, correct: [n]; texts: [n], shown on hover; ids: [n], given to the page as `customdata`. classes: [n],
    coloured by; (): by whether they are correct; the smallest classes share a colour. Answers that lack
    either signal are left out, and of more than 4,000 only a part is drawn; the title says so.
    """
    across, up = (np.asarray(each, dtype=np.float64).ravel() for each in (x, y))
    is_correct = np.asarray(correct, dtype=np.bool_).ravel()
    shown = np.flatnonzero(np.isfinite(across) & np.isfinite(up))
    known = len(shown)
    shown = shown[:: max(1, -(-known // (4 * _MOST_POINTS)))]
    traces = []
    for name, colour, symbol, side in _sides(is_correct, classes):
        at = shown[side[shown]].tolist()
        traces.append(
            go.Scatter(
                x=across[at].tolist(),
                y=up[at].tolist(),
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 7, "line": {"color": colour, "width": 2}},
                text=[_label(texts[i]) for i in at] if texts else None,
                customdata=[ids[i] for i in at] if ids else None,
                hovertemplate=f"{name}<br>"
                + ("%{text}<br>" if texts else "")
                + f"{html.escape(x_name)} %{{x:.3g}}<br>{html.escape(y_name)} %{{y:.3g}}<extra></extra>",
                name=name,
            )
        )
    heading = title or f"{y_name} against {x_name}"
    missing = len(across) - known
    notes = [f"{missing} lack a signal"] * bool(missing) + [f"{len(shown)} of {known} drawn"] * (
        len(shown) < known
    )
    if notes:
        heading += f" ({', '.join(notes)})"
    return _figure(
        traces, heading, {"title": {"text": html.escape(x_name)}}, {"title": {"text": html.escape(y_name)}}
    )


def _sides(
    correct: NDArray[np.bool_], classes: Sequence[str]
) -> list[tuple[str, str, str, NDArray[np.bool_]]]:
    """Name, colour, symbol and answers, [n], of each kind of mark."""
    if not classes:
        return [
            ("correct", TEAL, "circle", correct),
            ("incorrect", ROSE, "x-thin-open", ~correct),
        ]
    counted = [name for name, _ in Counter(classes).most_common()]
    colours = (INDIGO, AMBER, TEAL, ROSE, GREY)
    own = counted if len(counted) <= len(colours) else counted[: len(colours) - 1]
    of = np.array([name if name in own else "others" for name in classes], dtype=object)
    names = own if len(own) == len(counted) else [*own, "others"]
    return [
        (html.escape(f"{name}, {word}"), colour, symbol, (of == name) & side)
        for name, colour in zip(names, colours, strict=False)
        for word, symbol, side in (("correct", "circle", correct), ("incorrect", "x-thin-open", ~correct))
        if ((of == name) & side).any()
    ]


def interval_bars(
    names: Sequence[str],
    values: ArrayLike,
    lows: ArrayLike,
    highs: ArrayLike,
    *,
    unit: str = "AUROC",
    reference: float | None = 0.5,
    title: str = "",
) -> Figure:
    """A dot and its interval for each name, best on top; a line at `reference` (0.5: AUROC of chance).

    values, lows, highs: [names]; names without a finite value are left out.
    """
    value, low, high = (np.asarray(each, dtype=np.float64).ravel() for each in (values, lows, highs))
    order = [int(i) for i in np.argsort(value, kind="stable") if np.isfinite(value[i])]
    value, low, high = value[order], low[order], high[order]
    dots = go.Scatter(
        x=value.tolist(),
        y=[html.escape(names[i]) for i in order],
        error_x=_between(value, low, high),
        mode="markers",
        marker={"color": INDIGO, "size": 8},
        customdata=_columns(low, high),
        hovertemplate="%{y}<br>"
        + html.escape(unit)
        + " %{x:.2r} [%{customdata[0]:.2r}, %{customdata[1]:.2r}]<extra></extra>",
        name=html.escape(unit),
    )
    heading = title or f"{unit} with 95% intervals"
    figure = _figure(
        [dots], heading, {"title": {"text": html.escape(unit)}}, {"type": "category", "automargin": True}
    )
    figure["layout"].update(showlegend=False, height=max(220, 110 + 20 * len(order)))
    if reference is not None:
        line = {"color": GREY, "dash": "dash", "width": 1}
        figure["layout"]["shapes"] = [
            {
                "type": "line",
                "x0": reference,
                "x1": reference,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": line,
            }
        ]
    return figure


def over_time(
    times: Sequence[str],
    series: Mapping[str, tuple[str, Sequence[float | None]]],
    title: str,
    x: str,
    y: str,
    step: timedelta,
    *,
    share: bool = False,
    stacked: bool = False,
) -> Figure:
    """Numbers over time: lines, or bars upon each other.

    times: [n] in ISO 8601, `step` or a multiple of it apart; series: name -> colour and [n] values, None
    where there is none. share: in [0, 1].
    """
    traces: list[Any] = []
    for name, (colour, values) in series.items():
        if not stacked:
            traces.append(
                go.Scatter(
                    x=list(times), y=list(values), name=name, mode="lines+markers",
                    line={"color": colour, "width": 1.5}, marker={"color": colour, "size": 5},
                )
            )  # fmt: skip
        else:
            width = step.total_seconds() * 1000
            traces.append(
                go.Bar(x=list(times), y=list(values), name=name, marker={"color": colour}, width=width)
            )
    around = [] if not times else [(min(times), -step / 2), (max(times), step / 2)]
    ends = [(datetime.fromisoformat(at) + half).isoformat() for at, half in around]
    figure = _figure(
        traces,
        title,
        {"title": {"text": x}, "type": "date", "range": ends or None},
        _share_axis(y) if share else {"title": {"text": y}, "rangemode": "tozero"},
    )
    if stacked:
        figure["layout"]["barmode"] = "stack"
    return figure


def _figure(traces: list[Any], title: str, x: Figure, y: Figure) -> Figure:
    layout = go.Layout(
        title={"text": html.escape(title), "x": 0, "xref": "paper"},
        xaxis=x,
        yaxis=y,
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        margin={"l": 60, "r": 16, "t": 48, "b": 52},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        hovermode="closest",
    )
    figure: Figure = {"data": [trace.to_plotly_json() for trace in traces], "layout": layout.to_plotly_json()}
    figure["layout"].pop("template", None)
    return figure


def _share_axis(name: str) -> Figure:
    return {"title": {"text": name}, "tickformat": ".0%", "range": [0, 1]}


def _rows(*columns: ArrayLike, infinite: bool = False) -> tuple[Array, ...]:
    """The columns as floats, without the rows that hold a NaN (or an infinity)."""
    table = np.array([np.asarray(column, dtype=np.float64).ravel() for column in columns])
    kept = ~np.isnan(table).any(axis=0) if infinite else np.isfinite(table).all(axis=0)
    return tuple(table[:, kept])


def _thinned(*columns: Array) -> tuple[Array, ...]:
    """At most `_MOST_POINTS` rows, evenly spread, the first and the last among them."""
    n = len(columns[0])
    if n <= _MOST_POINTS:
        return columns
    at = np.unique(np.linspace(0, n - 1, _MOST_POINTS).round().astype(np.intp))
    return tuple(column[at] for column in columns)


def _between(value: Array, low: Array, high: Array) -> Figure:
    """Error bars from `low` to `high`; none where they are not known."""
    return {
        "type": "data",
        "symmetric": False,
        "array": np.nan_to_num(np.maximum(high - value, 0.0)).tolist(),
        "arrayminus": np.nan_to_num(np.maximum(value - low, 0.0)).tolist(),
        "thickness": 1.5,
        "color": INDIGO,
    }


def _columns(*columns: Array) -> list[list[float | None]]:
    return [
        [number if np.isfinite(number) else None for number in row]
        for row in np.column_stack(columns).tolist()
    ]


def _bin_text(count: float, mean: float, rate: float, low: float, high: float) -> str:
    """What the hover over a bin says."""
    correct = f"{percent(rate)} [{percent(low)}, {percent(high)}]"
    return f"confidence {percent(mean)}<br>correct {correct}<br>{count:,.0f} answers"


def _place_text(coverage: float, risk: float) -> str:
    """What the hover over a place on the curve says; `withPoints` of the Tune page writes the same."""
    return f"answered {percent(coverage)}<br>incorrect {percent(risk)}"


def _threshold(value: float) -> str:
    if np.isinf(value):
        return "above all" if value > 0 else "none"
    return percent(value)


def _label(text: str) -> str:
    short = text if len(text) <= _LONGEST_HOVER else text[: _LONGEST_HOVER - 1] + "…"
    return html.escape(short)
