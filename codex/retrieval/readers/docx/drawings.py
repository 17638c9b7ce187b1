"""What pictures, shapes, charts and diagrams of a Word document say in words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]

from codex.retrieval.readers.docx.package import Package, Part, R, W

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_V = "{urn:schemas-microsoft-com:vml}"
_FILE = re.compile(r"\S{1,200}\.(?:png|jpe?g|gif|bmp|tiff?|svg|emf|wmf|webp)", re.IGNORECASE)
_MOST_POINTS = 1000
"""Of a series in a chart."""


@dataclass(slots=True)
class Drawing:
    """What was found in one."""

    boxes: list[etree._Element] = field(default_factory=list)
    """The contents of its text boxes."""
    lines: list[str] = field(default_factory=list)
    """What its chart or diagram says."""
    said: str = ""
    """The text that stands for its picture."""
    silent: int = 0
    """Pictures without such a text."""


def drawing(element: etree._Element, part: Part, package: Package) -> Drawing:
    """What a drawing says. part: where it stands."""
    found = Drawing()
    for box in element.iter(f"{W}txbxContent"):
        # One within another comes with that one.
        if not any(outer in found.boxes for outer in box.iterancestors(f"{W}txbxContent")):
            found.boxes.append(box)
    for chart in element.iter(f"{_C}chart"):
        found.lines += _chart(package.part(part.targets.get(chart.get(f"{R}id", ""))))
    for diagram in element.iter(f"{_DGM}relIds"):
        found.lines += _diagram(package.part(part.targets.get(diagram.get(f"{R}dm", ""))))
    found.lines += [text for shape in element.iter(f"{_A}txBody") if (text := _text(shape))]
    found.lines += [text for shape in element.iter(f"{_V}textpath") if (text := shape.get("string"))]
    pictures = [it for it in element.iter(f"{_A}blip", f"{_V}imagedata") if not _is_in_box(it, element)]
    if pictures:
        found.said = _description(element)
        found.silent = 0 if found.said else len(pictures)
    return found


def _is_in_box(picture: etree._Element, element: etree._Element) -> bool:
    """Whether a picture stands in a text box, whose paragraphs are read by themselves."""
    return any(outer is not element for outer in picture.iterancestors(f"{W}drawing", f"{W}pict")) and any(
        True for _ in picture.iterancestors(f"{W}txbxContent")
    )


def _description(element: etree._Element) -> str:
    names = [it.get("descr") or it.get("title") for it in element.iter(f"{_WP}docPr")]
    names += [shape.get("alt") for shape in element.iter(f"{_V}shape")]
    return " ".join(" ".join(name for name in names if name and not _FILE.fullmatch(name)).split())


def _chart(part: Part | None) -> list[str]:
    """The titles of a chart, and a line for each of its series."""
    if part is None:
        return []
    lines = [text for title in part.root.iter(f"{_C}title") if (text := _text(title))]
    for series in part.root.iter(f"{_C}ser"):
        name = " ".join(_values(series, "tx"))
        heads = _values(series, "cat") or _values(series, "xVal")
        values = _values(series, "val") or _values(series, "yVal")
        pairs = [
            f"{heads[place]} {value}" if place < len(heads) else value for place, value in enumerate(values)
        ]
        lines.append(f"{name}: {'; '.join(pairs)}" if name else "; ".join(pairs))
    return lines


def _values(series: etree._Element, name: str) -> list[str]:
    parent = series.find(f"{_C}{name}")
    values = parent.iter(f"{_C}v") if parent is not None else ()
    return [text for value, _ in zip(values, range(_MOST_POINTS), strict=False) if (text := value.text)]


def _diagram(part: Part | None) -> list[str]:
    points = part.root.iter(f"{_DGM}pt") if part is not None else ()
    return [text for point in points if (text := _text(point))]


def _text(element: etree._Element) -> str:
    paragraphs = ("".join(text.text or "" for text in it.iter(f"{_A}t")) for it in element.iter(f"{_A}p"))
    return " ".join(" ".join(paragraphs).split())
