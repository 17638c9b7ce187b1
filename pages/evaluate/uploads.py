"""A file of questions that is uploaded: what its columns hold, and what becomes of it."""

from __future__ import annotations

import re
from pathlib import Path

from codex.datasets import waiting
from codex.datasets.column_names import NAMES
from codex.datasets.formats.keys import KeyBase
from codex.datasets.importing import MOST_REJECTED, TOO_MANY, Imported, free_name, import_file, name_of
from codex.datasets.preview import MOST_ROWS, Preview, preview
from codex.datasets.questions import Options
from codex.errors import Cancelled, Conflict, InvalidInput
from codex.grading.grades import known
from codex.grading.kinds import grader_of, told
from codex.items import Item, graders
from codex.jobs import Job, JobProgress, Jobs
from codex.pages import JSON

KIND = "import"
SECONDS = 1.0
"""For which a call waits for the end of an import."""
LISTED = 20
"""Rejected rows that are shown; all of them are copied."""
LABELS = {
    "question": "Question",
    "answers": "Accepted answers",
    "choices": "Choices",
    "context": "Context",
    "id": "Id",
    "group": "Group",
    "answerable": "Answerable: yes or no",
    "is_impossible": "Unanswerable: yes or no",
    "grader": "Grader of the row",
    "history": "History: messages before the question",
}
SEVERAL = ("answers", "choices")
"""What several columns may hold together."""
ENCODINGS = [
    ("", "UTF-8, UTF-16"),
    ("cp1252", "Western European (Windows-1252)"),
    ("cp1250", "Central European (Windows-1250)"),
    ("cp1251", "Cyrillic (Windows-1251)"),
    ("gb18030", "Chinese (GB 18030)"),
    ("shift_jis", "Japanese (Shift JIS)"),
]
BASES: dict[str, KeyBase] = {"0": 0, "1": 1, "text": "text"}
KEYS = [("", "automatic"), ("0", "numbers from 0"), ("1", "numbers from 1"), ("text", "texts of choices")]
OPTIONS = [
    (re.compile(r"Say which: --column \w+=NAME\."), "Choose it above."),
    (re.compile(r"say --column .*=NAME\."), "choose both columns above."),
    (re.compile(r"say which at the import, --key-base .*(?=\.$|$)"), "choose above what correct choices are"),
    (re.compile(r"say (?:which|its encoding), e\.g\. --encoding latin-1"), "choose another encoding above"),
    (re.compile(r"say what stands between them, e\.g\. --split '\|'"), "type above what splits them"),
    (re.compile(r"with --accept-rejects"), "by the box above the button"),
]
"""How an import names its options, and how the page does."""
assert LABELS.keys() == NAMES.keys()


class Uploads:
    """What the page does with a file, as plain calls.

    wanted: {draft: its name among those that wait, name: of the set, columns: {field: [column]}, split, keys,
    encoding, grader: "" where nothing was said}.
    """

    def __init__(self, home: Path, jobs: Jobs) -> None:
        self.home = home
        self.jobs = jobs
        self._last: tuple[object, Preview] | None = None

    def draft(self, wanted: JSON) -> JSON:
        """What an import would make of the file."""
        path = waiting.find(str(wanted["draft"]), self.home)
        seen = self._preview(path, wanted)
        name = str(wanted.get("name") or name_of(path))
        rows = seen.questions + seen.duplicates + len(seen.rejected)
        given = _columns(wanted)
        return {
            "file": path.name,
            "name": name,
            "taken": self._taken(name),
            "names": seen.understood.names,
            "fields": [
                {
                    "name": field,
                    "label": label,
                    "chosen": given.get(field, seen.understood.columns.get(field, [])),
                    "several": field in SEVERAL,
                }
                for field, label in LABELS.items()
            ],
            "graders": [("", "chosen for each question"), *((each, each) for each in graders())],
            "encodings": ENCODINGS,
            "keys": KEYS if seen.understood.columns.get("choices") else [],
            "items": [_item_view(item, name_of(path)) for item in seen.items],
            "words": _words(seen),
            "rejected": [{"line": row.line, "reason": _here(row.reason)} for row in seen.rejected[:LISTED]],
            "rejections": _rejections(seen),
            "too_many": TOO_MANY if len(seen.rejected) > MOST_REJECTED * rows else None,
            "error": _here(str(seen.error)) if seen.error else None,
        }

    def rejected(self, wanted: JSON) -> str:
        """All rejected rows of the preview, for a spreadsheet."""
        path = waiting.find(str(wanted["draft"]), self.home)
        rows = self._preview(path, wanted).rejected
        return "line\treason\n" + "".join(f"{row.line}\t{_here(row.reason)}\n" for row in rows)

    def import_draft(self, wanted: JSON) -> JSON:
        """Begin to import the file; see `importing`. wanted: also {accept: however many are rejected}."""
        draft, name = str(wanted["draft"]), str(wanted["name"]).strip()
        path, options = waiting.find(draft, self.home), _options(wanted)

        def work(job: Job) -> Imported:
            return import_file(
                path,
                self.home,
                name or name_of(path),
                options.columns,
                _encoding(wanted),
                split=options.split,
                key_base=options.key_base,
                grader=options.grader,
                accept_rejects=bool(wanted.get("accept")),
                progress=lambda rows: job.report(JobProgress(done=rows)),
                cancel=job.cancel,
            )

        return self.importing({"job": self.jobs.start(KIND, f"Importing {path.name}", work, draft).id})

    def importing(self, wanted: JSON) -> JSON:
        """The import within a second: {job, words} while it runs, then {name, said}. wanted: {job}."""
        job = self.jobs.wait(str(wanted["job"]), SECONDS)
        if job.state == "running":
            return {"job": job.id, "words": f"Importing: {_counted(job.progress.done, 'row')} read"}
        if job.state == "cancelled":
            raise Cancelled("The import was cancelled; nothing was changed.")
        if job.error:
            raise InvalidInput(_here(str(job.error)))
        made: Imported = job.result
        self.discard({"draft": job.about})
        left = [f"{_counted(made.duplicates, 'duplicate')} left out"] if made.duplicates else []
        if made.rejected:
            left += [f"{_counted(made.rejected, 'row')} rejected, see {made.rejected_path}"]
        left += [] if made.complete else ["the rest of the file is more than a dataset may hold"]
        said = "; ".join([f"Imported {_counted(made.dataset.rows, 'question')}", *left])
        return {"name": made.dataset.name, "said": f"{said}."}

    def cancel_import(self, wanted: JSON) -> None:
        """Stop an import; nothing is changed. wanted: {job}."""
        self.jobs.cancel(str(wanted["job"]))

    def discard(self, wanted: JSON) -> None:
        """Forget the file."""
        self._last = None
        waiting.discard(str(wanted["draft"]), self.home)

    def _preview(self, path: Path, wanted: JSON) -> Preview:
        options, encoding = _options(wanted), _encoding(wanted)
        asked = (path, path.stat().st_ino, repr(options), encoding)
        last = self._last
        if last is None or last[0] != asked:
            last = self._last = (asked, preview(path, name_of(path), options, encoding))
        return last[1]

    def _taken(self, name: str) -> str | None:
        """Why no set can be called so."""
        try:
            free_name(name, self.home)
        except (Conflict, InvalidInput) as error:
            return str(error)
        return None


def _options(wanted: JSON) -> Options:
    grader, keys = str(wanted.get("grader") or ""), str(wanted.get("keys") or "")
    return Options(
        columns=_columns(wanted),
        split=str(wanted.get("split") or "") or None,
        key_base=BASES[keys] if keys else None,
        grader=known(grader) if grader else None,
    )


def _encoding(wanted: JSON) -> str | None:
    return str(wanted.get("encoding") or "") or None


def _columns(wanted: JSON) -> dict[str, list[str]]:
    return {str(field): [str(name) for name in held] for field, held in wanted.get("columns", {}).items()}


def _item_view(item: Item, group: str) -> JSON:
    return {
        "id": item.id,
        "asked": item.asked,
        "context": item.context,
        "answers": list(item.answers) or ["a refusal"],
        "grader": grader_of(item),
        "group": "" if item.group == group else item.group,
    }


def _words(seen: Preview) -> str:
    """How many questions there are, and how they are graded."""
    said = [_counted(seen.questions, "question")]
    said += [f"graded as {told(dict(seen.understood.graders.most_common()))}"] if seen.questions else []
    said += [f"{_counted(seen.duplicates, 'duplicate')} left out"] if seen.duplicates else []
    said += [] if seen.complete else [f"of the first {MOST_ROWS:,} rows"]
    return " · ".join(said)


def _rejections(seen: Preview) -> str:
    count = len(seen.rejected)
    shown = f", the first {LISTED} of them here" if count > LISTED else ""
    return f"{_counted(count, 'row')} rejected{shown}" if count else ""


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _here(said: str) -> str:
    """What an import says, with the fields of the page instead of the options of the command line."""
    for option, field in OPTIONS:
        said = option.sub(field, said)
    return said
