"""Files that people bring: what is kept, and what is said of each row that is not."""

from __future__ import annotations

import csv
import gzip
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from codex.datasets import table_files
from codex.datasets.importing import Imported, import_file
from codex.datasets.library import Item, load
from codex.datasets.questions import Accepted, questions
from codex.datasets.table_files import MOST_CHARACTERS, Rejected, Row, rows
from codex.errors import Conflict, InvalidInput, NotFound


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines(*objects: object) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def kept(imported: Imported, home: Path) -> list[Item]:
    return load(imported.dataset.name, home)


def reasons(imported: Imported) -> dict[int, str]:
    return {row.line: row.reason for row in imported.reasons}


def test_a_csv_is_imported_by_the_names_of_its_columns(tmp_path: Path) -> None:
    path = written(
        tmp_path, "Quiz Night.csv", 'Query,Target\n"Who, then?",Ann|Anna\nWhen?,"[""1"", ""one""]"\n'
    )
    imported = import_file(path, tmp_path, split="|")
    assert imported.dataset.name == "quiz-night"
    assert imported.dataset.rows == 2
    items = kept(imported, tmp_path)
    assert [(item.question, item.answers) for item in items] == [
        ("Who, then?", ("Ann", "Anna")),
        ("When?", ("1", "one")),
    ]
    assert {item.group for item in items} == {"quiz-night"}


def test_other_columns_are_named_by_the_user(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "Frage;Antwort;Auch\nWer?;Anna;Änne\n")
    (item,) = kept(
        import_file(path, tmp_path, columns={"question": "frage", "answers": ["Antwort", "Auch"]}), tmp_path
    )
    assert (item.question, item.answers) == ("Wer?", ("Anna", "Änne"))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (None, "No column holds the question. There are: Frage, Antwort. Say which: --column question=NAME."),
        ({"question": "Wort"}, "There is no column 'Wort'. There are: Frage, Antwort."),
        ({"frage": "Frage"}, "There is no field 'frage'."),
        ({"question": "Frage"}, "No column holds the answers."),
    ],
)
def test_a_column_that_is_not_there_is_named(
    tmp_path: Path, columns: dict[str, str] | None, said: str
) -> None:
    path = written(tmp_path, "a.csv", "Frage,Antwort\nWer?,Anna\n")
    with pytest.raises(InvalidInput) as raised:
        import_file(path, tmp_path, columns=columns)
    assert said in str(raised.value)
    assert not list((tmp_path / "datasets").iterdir())


def test_jsonl_keeps_answers_contexts_choices_and_what_cannot_be_answered(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "a.jsonl",
        lines(
            {
                "question": "Who?",
                "answer": {"value": "Ann", "aliases": ["Ann", "Anna"]},
                "context": "It was Ann.",
            },
            {"question": "When?", "answers": {"text": ["1912"], "answer_start": [3]}, "id": 7},
            {"question": "Why?", "answers": [], "is_impossible": True},
            {"question": "Which?", "choices": ["red", "blue"], "answer": 1},
            {"question": "Which one?", "choices": ["red", "blue"], "answer": 0},
            {"question": "And which?", "choices": {"text": ["red", "blue"]}, "answerKey": "A"},
            {"question": "Is it?", "answer": True, "grader": "exact", "category": "yes or no"},
        ),
    )
    who, when, why, which, _, and_which, is_it = kept(import_file(path, tmp_path), tmp_path)
    assert (who.answers, who.context) == (("Ann", "Anna"), "It was Ann.")
    assert (when.answers, when.id) == (("1912",), "7")
    assert (why.answers, why.answerable) == ((), False)
    assert (which.answers, which.choices, which.grader) == (("blue",), ("red", "blue"), "choice")
    assert which.asked == "Which?\nA. red\nB. blue"
    assert and_which.answers == ("red",)
    assert (is_it.answers, is_it.grader, is_it.group) == (("yes", "true"), "exact", "yes or no")


def test_parquet_is_imported_with_its_lists(tmp_path: Path) -> None:
    path = tmp_path / "a [1]*.parquet"
    duckdb.sql(
        "SELECT 'What is ' || i || '?' AS question, [i::VARCHAR, 'n' || i] AS answers FROM range(3) t(i)"
    ).write_parquet(str(path))
    items = kept(import_file(path, tmp_path), tmp_path)
    assert [item.answers for item in items] == [("0", "n0"), ("1", "n1"), ("2", "n2")]


def test_every_row_that_cannot_be_used_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "a.jsonl",
        b'{"question": "Who?", "answer": "Ann"}\n'
        b"not json\n"
        b'["a list"]\n'
        b'{"question": " ", "answer": "Ann"}\n'
        b'{"question": "When?", "answer": ""}\n'
        b'{"question": "Wh\xe9n?", "answer": "now"}\n'
        b'{"question": "N\\u0000?", "answer": "now"}\n'
        b'{"question": "H\\ud800?", "answer": "now"}\n'
        b"\n"
        b'{"question": "Which?", "choices": ["a", "b"], "answer": "c"}\n'
        b'{"question": "By whom?", "answer": "Ann", "grader": "me"}\n'
        b'{"query": "Last?"}\n' + b"[" * 100_000 + b"\n"
        b'{"question": "Last?", "answer": "yes"}\n',
    )
    imported = import_file(path, tmp_path, accept_rejects=True)
    assert [item.question for item in kept(imported, tmp_path)] == ["Who?", "Last?"]
    said = reasons(imported)
    assert imported.rejected == len(said) == 11
    assert "not JSON" in said[2]
    assert "a JSON list" in said[3]
    assert "question is empty" in said[4]
    assert "no answer" in said[5]
    assert "0xE9" in said[6]
    assert "--encoding" in said[6]
    assert "NUL" in said[7]
    assert "lone surrogate" in said[8]
    assert "none of its 2 choices" in said[10]
    assert "no grader 'me'" in said[11]
    assert "No column holds the answers" in said[12]
    assert imported.rejected_path
    assert len(imported.rejected_path.read_text().splitlines()) == 11
    assert "rejected: 11" in imported.dataset.card


DEEP = "[" * 600 + "1" + "]" * 600


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.jsonl", f'{{"question": "Who?", "answers": {DEEP}}}\n', "its answers are nested too deeply"),
        ("a.jsonl", f'{{"question": "Who?", "answers": {"[" * 9**6}}}\n', "it is nested too deeply"),
        (
            "a.jsonl",
            '{"question": "Who?", "answers": ' + '{"value": ' * 600 + '"Ann"' + "}" * 601 + "\n",
            "its answers are nested too deeply",
        ),
        (
            "a.jsonl",
            f'{{"question": "Who?", "choices": {DEEP}, "answers": 0}}\n',
            "its choices are nested too deeply",
        ),
        (
            "a.jsonl",
            f'{{"question": "Who?", "choices": ["Ann", "Ben"], "answers": "{"9" * 5000}"}}\n',
            f"its answer '{'9' * 40}' is none of its 2 choices",
        ),
        ("a.jsonl", '{"\\ud800": "Who?"}\n', "No column holds the question. There are: \\ud800. Say which"),
        ("a.csv", f"When?,{DEEP},\n", "its answers are nested too deeply"),
        ("a.csv", f"When?,{'[' * 9**5 + ']' * 9**5},\n", "its answers are nested too deeply"),
        ("a.csv", f"When?,{'9' * 5000},Ann|Ben\n", f"its answer '{'9' * 40}' is none of its 2 choices"),
    ],
)
def test_a_row_that_is_too_much_is_rejected_and_the_others_are_kept(
    tmp_path: Path, name: str, content: str, why: str
) -> None:
    good = lines({"question": "Where?", "answers": ["here"]})
    before, after = ("question,answer,choices\n", "Where?,here,\n") if name == "a.csv" else (good, "")
    path = written(tmp_path, name, before + content + after)
    imported = import_file(path, tmp_path, split="|", accept_rejects=True)
    assert [item.question for item in kept(imported, tmp_path)] == ["Where?"]
    assert reasons(imported)[2].startswith(why)
    assert imported.rejected == 1


def test_a_choice_is_found_in_lists_of_one_and_by_a_number_with_zeros(tmp_path: Path) -> None:
    row = '{{"question": "{}", "choices": ["Ann", "Ben"], "answers": {}}}\n'
    content = row.format("Who?", DEEP) + row.format("Whose?", '"01"')
    imported = import_file(written(tmp_path, "a.jsonl", content), tmp_path, key_base=0)
    assert [item.answers for item in kept(imported, tmp_path)] == [("Ben",), ("Ben",)]


def test_rows_of_a_csv_that_do_not_fit_its_heading_are_named(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "a.csv",
        'question,answer\nOne?,1\nTwo?,2,3\nThree?\n"Four"?,4\n"Five\nlines?",5\n\nS\0x?,6\n"Seven?,7\nEight?,8\n',
    )
    imported = import_file(path, tmp_path, accept_rejects=True)
    assert [item.question for item in kept(imported, tmp_path)] == ["One?", "Five\nlines?"]
    said = reasons(imported)
    assert "3 cells, and the heading has 2" in said[3]
    assert "1 cells" in said[4]
    assert "not CSV" in said[5]
    assert "NUL" in said[9]
    assert "up to line 11" in said[10]


def test_the_same_row_twice_is_kept_once_and_other_content_under_its_id_is_rejected(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "a.jsonl",
        lines(
            {"id": "a", "question": "Who?", "answer": "Ann"},
            {"id": "a", "question": "Who?", "answer": "Ann"},
            {"id": "a", "question": "Who?", "answer": "Ben"},
            {"question": "Without an id?", "answer": "yes"},
            {"question": "without  an ID?", "answer": "no"},
        ),
    )
    imported = import_file(path, tmp_path, accept_rejects=True)
    assert (imported.dataset.rows, imported.duplicates) == (2, 1)
    assert reasons(imported).keys() == {3, 5}
    assert "'a'" in reasons(imported)[3]


def test_a_latin_1_file_is_read_when_told_so_and_named_when_not(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "question,answer\nWer?,Ren\xe9\nWo?,hier\n".encode("latin-1"))
    imported = import_file(path, tmp_path, accept_rejects=True)
    assert (imported.dataset.rows, imported.rejected) == (1, 1)
    again = import_file(path, tmp_path, encoding="latin-1", replace=True)
    assert kept(again, tmp_path)[0].answers == ("René",)
    assert not again.rejected_path
    assert not (tmp_path / "datasets" / "a.rejected.txt").exists()
    with pytest.raises(InvalidInput, match="no encoding 'klingon'"):
        import_file(path, tmp_path, encoding="klingon", replace=True)


@pytest.mark.parametrize(
    ("written_as", "read_as"), [("utf-16", None), ("utf-8-sig", None), ("utf-8-sig", "UTF-8")]
)
def test_a_mark_at_the_beginning_tells_the_encoding(
    tmp_path: Path, written_as: str, read_as: str | None
) -> None:
    path = written(tmp_path, "a.csv", "question,answer\nWer?,René\n".encode(written_as))
    assert kept(import_file(path, tmp_path, encoding=read_as), tmp_path)[0].answers == ("René",)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.jsonl", b"", "is empty"),
        ("a.jsonl", b"\n\n", "no usable question"),
        ("a.csv", b"question,answer\n", "no usable question"),
        ("a.csv", b"question,question\n1,2\n", "two columns 'question'"),
        ("a.csv", b"PK\x03\x04 rest", "ZIP or Excel"),
        ("a.csv", b"\0\1\2\3", "is not text"),
        ("a.csv", b"\n\n", "is empty"),
        ("a.csv", b'"question', "heading is not CSV"),
        ("a.csv", b"x" * 3_000_000, "is not a heading: it is longer than 1,000,000"),
        ("a.jsonl", b'[{"question": 1}]', "No column holds the answers"),
        ("a.json", b'[{"question": "?", "answer": "yes"},', "is not JSON"),
        ("a.json", b'{"a": {"b": ["c"]}}', "has no list of questions"),
        ("a.json", b'{"train": [{"question": "?"}], "test": [{"question": "?"}]}', "several lists"),
        ("a.jsonl.gz", gzip.compress(b'{"question": "?"}', mtime=0)[:-9], "cut off"),
        ("a.csv.gz", b"no gzip", "broken"),
        ("a.parquet", b"PAR1 no more", "not readable Parquet"),
        ("a.xlsx", b"x", "none of .csv"),
        ("a.jsonl", b'{"question": "?"}\n', "No column holds the answers"),
        ("a.jsonl", b'{"question": "?", "answers": []}\n', "Line 1: it has no answer"),
    ],
)
def test_a_file_with_nothing_to_use_says_why_and_changes_nothing(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        import_file(written(tmp_path, name, content), tmp_path)
    assert not list((tmp_path / "datasets").iterdir())


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no\.csv"):
        import_file(tmp_path / "no.csv", tmp_path)
    with pytest.raises(NotFound, match=r"There is no file folder/no\.csv"):
        load("folder/no.csv", tmp_path)


@pytest.mark.parametrize("name", ["../up", "A", "", "a b", "." * 3])
def test_a_name_that_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, "a.csv", "question,answer\nWho?,Ann\n")
    if name:
        with pytest.raises(InvalidInput, match="not a valid name for a dataset"):
            import_file(path, tmp_path, name=name)
    else:
        assert import_file(path, tmp_path, name=name).dataset.name == "a"


def test_a_set_is_replaced_only_when_asked_and_one_that_ships_never(tmp_path: Path) -> None:
    path = written(tmp_path, "capitals.csv", "question,answer\nWho?,Ann\n")
    with pytest.raises(Conflict, match="ships"):
        import_file(path, tmp_path, replace=True)
    import_file(path, tmp_path, name="mine")
    path.write_text("question,answer\nWho?,Ben\n")
    with pytest.raises(Conflict, match="already"):
        import_file(path, tmp_path, name="mine")
    import_file(path, tmp_path, name="mine", replace=True)
    assert load("mine", tmp_path)[0].answers == ("Ben",)


def test_a_set_holds_so_many_questions_and_the_rest_is_said_to_be_left(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "question,answer\n" + "".join(f"{n}?,{n}\n" for n in range(9)))
    imported = import_file(path, tmp_path, most=5)
    assert (imported.dataset.rows, imported.complete) == (5, False)
    assert "only the first 5" in imported.dataset.card


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_row_that_is_too_long_is_rejected_and_the_next_one_is_kept(tmp_path: Path, suffix: str) -> None:
    long = "x" * (3 * MOST_CHARACTERS)
    pairs = [("One?", "1"), (f"{long}?", "2"), ("Three?", "3"), (f"A\n{long}?", "4"), ("Five?", "5")]
    path = tmp_path / f"a.{suffix}"
    with path.open("w", newline="") as out:
        if suffix == "csv":
            csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("question", "answer"), *pairs])
        else:
            out.write(lines(*({"question": asked, "answer": answer} for asked, answer in pairs)))
    imported = import_file(path, tmp_path, accept_rejects=True)
    assert [item.question for item in kept(imported, tmp_path)] == ["One?", "Three?", "Five?"]
    assert all(
        "longer than 1,000,000" in reason or "not CSV" in reason for reason in reasons(imported).values()
    )


def test_a_file_of_one_endless_line_does_not_enter_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(b'{"question": "Who?", "answer": "Ann"}\n{"question": "')
        for _ in range(60):
            out.write(b"x" * 1_000_000)
    tracemalloc.start()
    found = list(rows(path))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [
        Row(1, {"question": "Who?", "answer": "Ann"}),
        Rejected(2, "it is longer than 1,000,000 characters"),
    ]
    # Two buffers of a line at most, in characters of one byte, and the decoder's: far below the 60 MB.
    assert most < 8 * MOST_CHARACTERS


def test_questions_stream_with_a_few_bytes_for_each(tmp_path: Path) -> None:
    def endless() -> Iterator[Row]:
        for number in range(1, 5_001):
            yield Row(number, {"question": f"What is {number}? {'x' * 500}", "answer": str(number)})

    # Once before, since the graders remember some answers: so many and no more.
    assert all(isinstance(row, Accepted) for row in questions(endless(), "many"))
    tracemalloc.start()
    count = sum(isinstance(row, Accepted) for row in questions(endless(), "many"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 5_000
    # Two numbers of 36 bytes and their place in a dictionary; the rows themselves are 600 bytes each.
    assert most / count < 250


def test_a_file_is_loaded_by_its_path_and_refused_when_a_row_is_bad(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "question,answer\nWho?,Ann\n")
    assert load(str(path), tmp_path)[0].group == "a"
    path.write_text("question,answer\nWho?,Ann\nWhen?,\n")
    with pytest.raises(InvalidInput, match=r"a\.csv, line 3: it has no answer"):
        load(path, tmp_path)


def test_the_file_types_that_are_read_are_known_by_name() -> None:
    assert table_files.is_table(Path("A.JSONL.gz"))
    assert not table_files.is_table(Path("a.xlsx"))
