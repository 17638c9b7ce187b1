"""The check of the built site (`make docs`) notices what it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.diagrams import as_svg
from tests.docs.site import problems


def site(folder: Path, body: str, style: str = "") -> list[str]:
    (folder / "other.html").write_text('<h2 id="there">Other</h2>')
    (folder / "site.css").write_text(style)
    (folder / "index.html").write_text(f'<link rel="stylesheet" href="site.css">{body}')
    return list(problems(folder))


@pytest.mark.parametrize(
    "body",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img src="http://example.org/a.png">',
        '<source srcset="other.html 1x, https://example.org/a.png 2x">',
        '<iframe src="https://example.org"></iframe>',
        "<style>@import 'https://fonts.example/css';</style>",
        '<p style="background: url(https://example.org/a.png)"></p>',
    ],
)
def test_what_is_loaded_from_another_host_is_noticed(tmp_path: Path, body: str) -> None:
    found = site(tmp_path, body)
    assert len(found) == 1
    assert "loads" in found[0]


def test_a_style_that_loads_a_font_is_noticed(tmp_path: Path) -> None:
    assert site(tmp_path, "", "@font-face { src: url('https://fonts.example/a.woff2') }")


def test_a_diagram_that_a_script_would_draw_is_noticed(tmp_path: Path) -> None:
    assert site(tmp_path, '<pre class="mermaid">flowchart LR</pre>')


@pytest.mark.parametrize("link", ["gone.html", "other.html#gone", "#gone"])
def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path, link: str) -> None:
    assert site(tmp_path, f'<a href="{link}">there</a>')


def test_links_to_other_hosts_and_data_in_the_page_are_fine(tmp_path: Path) -> None:
    body = '<a href="https://example.org">there</a><a href="other.html#there">there</a><img src="data:,">'
    assert site(tmp_path, body, "p { background: url(data:image/svg+xml,%3Csvg) }") == []


def test_an_empty_site_is_noticed(tmp_path: Path) -> None:
    assert list(problems(tmp_path))


def test_a_diagram_is_drawn_without_a_script_or_a_style_of_its_own() -> None:
    drawn = as_svg('flowchart LR\n  a["first"] --> b["second"]')
    assert drawn.startswith('<div class="diagram"><svg')
    assert "first" in drawn
    assert "<script" not in drawn
    assert "<style" not in drawn
