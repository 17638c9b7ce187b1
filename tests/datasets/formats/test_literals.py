"""Lists as Python, numpy and pandas write them are read as data, and nothing in them is evaluated."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex.datasets.formats import cells, literals
from codex.errors import InvalidInput


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("['a', 'b']", ["a", "b"]),
        ("['a' 'b']", ["a", "b"]),
        ("['a'\n 'b'\n 'c']", ["a", "b", "c"]),
        ("[1 2 3]", [1, 2, 3]),
        ("[1., -2.5e3]", [1.0, -2500.0]),
        ("[True False None nan]", [True, False, None, None]),
        ("array(['a', 'b'], dtype=object)", ["a", "b"]),
        ("np.array(['a'], dtype='<U1')", ["a"]),
        ("[np.str_('a'), np.str_('b')]", ["a", "b"]),
        ("[list(['a', 'b']) list(['c'])]", [["a", "b"], ["c"]]),
        ("{'text': ['a'], 'answer_start': array([12], dtype=int32)}", {"text": ["a"], "answer_start": [12]}),
        ("{'a', 'b'}", ["a", "b"]),
        ("('a', 'b')", ("a", "b")),
        ("('a',)", ("a",)),
        ("[]", []),
        ("{}", {}),
        (
            r"""['it\'s', "L'Imac", 'caf\xe9', '\u00e9', 'a\nb', 'C:\\d']""",
            ["it's", "L'Imac", "café", "é", "a\nb", "C:\\d"],
        ),
        ("['a', ['b', ('c', 'd')]]", ["a", ["b", ("c", "d")]]),
    ],
)
def test_a_list_is_read_as_it_was_written(written: str, read: object) -> None:
    assert literals.parse(written) == read


@pytest.mark.parametrize(
    "written",
    [
        "[__import__('os').system('true')]",
        "[open('x')]",
        "[a, b]",
        "['a' + 'b']",
        "['a'",
        "['a', 'b",
        "['a']]",
        "['a' ... 'z']",
        "[x for x in 'ab']",
        "{'a': 1, 'b'}",
        "(1, 2)",
        "('a')",
        "'a'",
        "12",
        "",
        "array",
        "array(",
        "array(['a'], dtype=print('x'))",
        "[" + "9" * 5000 + "]",
        "{[1]: 2}",
    ],
)
def test_what_is_no_list_of_values_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        literals.parse(written)


@pytest.mark.parametrize("opening", ["[", "(", "{", "{'a': ", "array(", "['a', "])
def test_a_list_nested_without_end_is_refused(opening: str) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        literals.parse(opening * 100_000)


def test_a_cell_is_opened_only_where_it_is_a_list(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    texts = ["[citation needed]", "{x | x > 0}", "(a, b)", "[0, 1)", "plain", f"[open({str(mark)!r}, 'w')]"]
    assert [cells.opened(text, "answers") for text in texts] == texts
    assert not mark.exists()
    assert cells.opened(' ["a", null] ', "answers") == ["a", None]


@pytest.mark.parametrize("cut", ["['Rome', 'Ro", '["Rome", "Ro', "{'text': ['Rome'", "['Rome' ... 'Roma']"])
def test_a_list_that_was_cut_off_is_no_text(cut: str) -> None:
    with pytest.raises(InvalidInput, match="begin as a list"):
        cells.opened(cut, "answers")
