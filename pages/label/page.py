"""The Label page: one answer after another, judged by a person."""

from __future__ import annotations

import math
from dataclasses import asdict

from codex.ask.workbench import Workbench
from codex.calibration.calibrator import Metric, MetricName
from codex.calibration.glossary import GLOSSARY
from codex.errors import CodexError, NotFound
from codex.grounding.sentences import sentences
from codex.jobs import Jobs
from codex.labelling.agreement import Coefficient
from codex.labelling.formats import FORMATS, FormatName
from codex.labelling.progress import Progress
from codex.labelling.queues import MOST_FOUND, MOST_LABELLERS, Card, Labelling
from codex.labelling.recalibrating import Recalibrated
from codex.labelling.rows import tokens_at
from codex.pages import JSON
from codex.pages.ask.token_texts import token_texts
from codex.pages.components import Calls, view
from codex.pages.label import answers
from codex.pages.limits import limits
from codex.server.visits import current_visit
from codex.store.labelling.labels import Label, LabelVerdict
from codex.store.labelling.queues import LabelQueue, Source
from codex.text import percent

SOURCES: dict[Source, str] = {
    "deferred": "questions left to a person",
    "asked": "every answer of the Ask page",
    "incorrect": "answers marked as incorrect",
    "run": "the answers of a run, or of an imported file",
    "differing": "answers that labellers differ on",
}
ORDERS = {
    "mixed": "mixed: the less certain more often",
    "uncertainty": "the least certain first",
    "random": "random",
    "newest": "the newest first",
}
VERDICTS: dict[LabelVerdict, str] = {
    "correct": "correct",
    "incorrect": "incorrect",
    "partly": "partly correct",
    "unclear": "cannot tell",
}
COUNTS_AS: dict[LabelVerdict, str] = {
    "partly": "Counts as incorrect",
    "unclear": "Counts as not labelled",
}


FILES: dict[FormatName, str] = {
    "csv": "CSV",
    "jsonl": "JSONL",
    "parquet": "Parquet",
    "label-studio": "Label Studio",
    "argilla": "Argilla",
}
SHOWN_METRICS: tuple[MetricName, ...] = ("auroc", "ece", "brier")
SHOWN = 200
"""Characters of a question or an answer that a search found."""
DAYS = 14
"""That the progress shows."""
LOOK = 1.0
"""Seconds for which a look at a fit waits for its end."""


class LabelPage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, workbench: Workbench, labelling: Labelling, jobs: Jobs) -> None:
        self.workbench = workbench
        self.labelling = labelling
        self.jobs = jobs

    def config(self) -> JSON:
        """What the page needs at the start."""
        return {
            "sources": list(SOURCES.items()),
            "orders": list(ORDERS.items()),
            "verdicts": [[word, said, COUNTS_AS.get(word, "")] for word, said in VERDICTS.items()],
            "labellers": MOST_LABELLERS,
            "found": MOST_FOUND,
            "formats": list(FILES.items()),
            "upload": limits(self.workbench.settings, sorted({each.suffix for each in FORMATS.values()})),
        }

    def look(self, _: JSON) -> JSON:
        """The queues, the runs that one can be made of, and the user who has signed in, if one has to."""
        runs = {each.run.id: each.run.name for each in self.workbench.store.runs.list()}
        queues, counts = self.workbench.store.label_queues.list(), self.workbench.store.label_queues.counts()
        return {
            "queues": [self._line(queue, runs, counts) for queue in queues],
            "runs": list(runs.items()),
            "you": current_visit().user,
        }

    def create(self, wanted: JSON) -> JSON:
        """Make a queue: {id, note}. wanted: {name, source, run, order, overlap}."""
        name = str(wanted["name"]).strip() or self._name(wanted)
        queue, note = self.labelling.create(
            name,
            str(wanted["source"]),
            run_id=str(wanted.get("run") or ""),
            order=str(wanted["order"]),
            overlap=int(wanted["overlap"] or 0),
        )
        return {"id": queue.id, "note": note}

    def delete(self, wanted: JSON) -> None:
        """Delete a queue; its labels stay. wanted: {queue}."""
        self.workbench.store.label_queues.delete(str(wanted["queue"]))

    def next(self, wanted: JSON) -> JSON:
        """What is to be labelled now; null: nothing. wanted: {queue, labeller}."""
        queue, labeller = str(wanted["queue"]), str(wanted["labeller"])
        card = self.labelling.card(queue, labeller)
        if card is None and self.labelling.renew(queue):
            card = self.labelling.card(queue, labeller)
        return {"card": self._card(card, labeller) if card else None}

    def progress(self, wanted: JSON) -> JSON:
        """How far the queue is. wanted: {queue}."""
        return progress_view(self.labelling.progress(str(wanted["queue"])))

    def card(self, wanted: JSON) -> JSON:
        """An answer of which the key is known, with what the labeller said. wanted: {key, labeller}."""
        run, question = wanted["key"]
        return self._card(self.labelling.read((str(run), str(question))), str(wanted["labeller"]))

    def search(self, wanted: JSON) -> JSON:
        """Answers whose question or answer holds a text. wanted: {queue, labeller, text}."""
        found = self.labelling.search(str(wanted["queue"]), str(wanted["text"]), str(wanted["labeller"]))
        return [
            {
                "key": each.key,
                "question": each.question[:SHOWN],
                "answer": each.answer[:SHOWN],
                "said": VERDICTS.get(each.verdict, "") if each.verdict else "",  # type: ignore[call-overload]
            }
            for each in found
        ]

    def put(self, wanted: JSON) -> JSON:
        """Keep a label; returns what was hidden until then, the last one's facts, and the next card.

        wanted: {queue, labeller, key, verdict, correction, note, tags, spans, seen}; seen: when the label was
        made that the page has shown. {taken, seen} where another tab has made one since: nothing is kept.
        {gone} where the answer was deleted.
        """
        run, question = (str(part) for part in wanted["key"])
        labeller = str(wanted["labeller"])
        own = self._own((run, question), labeller)
        if own is not None and _moment(own) != wanted.get("seen"):
            return {
                "taken": f"This answer was labelled in another tab: {VERDICTS[own.verdict]}. Keep yours to "
                "replace that.",
                "seen": _moment(own),
            }
        label = Label(
            run,
            question,
            wanted["verdict"],
            labeller,
            str(wanted.get("correction") or ""),
            str(wanted.get("note") or ""),
            tuple(str(tag) for tag in wanted.get("tags") or ()),
            tuple((int(first), int(last)) for first, last in wanted.get("spans") or ()),
        )
        queue = self.workbench.store.label_queues.get(str(wanted["queue"]))
        try:
            label = self.labelling.put(queue.id, label)
        except NotFound:
            return {"gone": "It was deleted in the meantime, and left the queue"}
        try:
            following = self.next(wanted)
        except CodexError:  # The label is kept; what is wrong is told to whoever wants the next one.
            following = {}
        return {"said": self._told(label), **following}

    def undo(self, wanted: JSON) -> None:
        """Take a label back. wanted: {key, labeller}."""
        run, question = wanted["key"]
        self.workbench.store.labels.take_back(str(run), str(question), str(wanted["labeller"]))

    def agreement(self, wanted: JSON) -> JSON:
        """How far the labellers of a queue agree. wanted: {queue}."""
        found = self.labelling.agreement(str(wanted["queue"]))
        return {
            "answers": found.answers,
            "differing": len(found.differing),
            "rows": [_coefficient(each) for each in found.coefficients],
        }

    def recalibrate(self, wanted: JSON) -> JSON:
        """Begin to fit a calibrator to the labels of a queue. wanted: {queue}."""
        job = self.labelling.recalibrate(str(wanted["queue"]), "", self.jobs)
        return self.recalibrating({"job": job.id})

    def recalibrating(self, wanted: JSON) -> JSON:
        """How far that is: {job, words}; at its end what came of it. wanted: {job}."""
        job = self.jobs.wait(str(wanted["job"]), LOOK)
        if job.state == "running":
            now = job.progress
            return {"job": job.id, "words": f"Fitting {now.done} of {now.total}" if now.total else "Fitting"}
        if job.error is not None:
            raise job.error
        made: Recalibrated = job.result
        return {
            "version": made.calibrator.version,
            "note": made.note,
            "rows": [
                {
                    "name": GLOSSARY[name].name,
                    "before": _metric(made.before[name]),
                    "after": _metric(made.after[name]),
                }
                for name in SHOWN_METRICS
            ],
        }

    def activate(self, wanted: JSON) -> JSON:
        """Let a calibrator give the confidence from the next question on. wanted: {version}."""
        self.workbench.active.activate_calibrator(str(wanted["version"]))
        return {"active": str(wanted["version"])}

    def _own(self, key: tuple[str, str], labeller: str) -> Label | None:
        return next((it for it in self.workbench.store.labels.of(*key) if it.labeller == labeller), None)

    def _line(self, queue: LabelQueue, runs: dict[str, str], counts: dict[str, tuple[int, int]]) -> JSON:
        answers, labelled = counts.get(queue.id, (0, 0))
        of = f"the run {runs[queue.run_id]}" if queue.run_id in runs else SOURCES[queue.source]
        several = f", {queue.overlap} labellers each" if queue.overlap > 1 else ""
        return {
            "id": queue.id,
            "name": queue.name,
            "about": f"{of}; {ORDERS[queue.ordering]}{several}",
            "run": queue.run_id,
            "labelled": labelled,
            "answers": answers,
        }

    def _name(self, wanted: JSON) -> str:
        """A free name for a queue that was given none."""
        taken = {queue.name.lower() for queue in self.workbench.store.label_queues.list()}
        base = str(wanted["source"])
        names = (base, *(f"{base} {number}" for number in range(2, len(taken) + 3)))
        return next(name for name in names if name.lower() not in taken)

    def _card(self, card: Card, labeller: str) -> JSON:
        own = self._own(card.key, labeller)
        generation = card.observation.generation
        cut = token_texts(generation.tokens, generation.text)
        said = own and {
            "verdict": own.verdict,
            "correction": own.correction,
            "note": own.note,
            "tags": list(own.tags),
            "spans": [list(span) for span in own.spans],
        }
        return {
            "key": card.key,
            "question": card.question,
            "answer": generation.text,
            "tokens": cut.texts,
            "units": cut.units,
            "sentences": [
                span for each in sentences(generation.text) if (span := tokens_at(generation, each))
            ],
            "accepted": card.accepted,
            "passages": [[passage.document, passage.text] for passage in card.observation.passages],
            "own": said,
            "seen": _moment(own) if own else None,
        }

    def _told(self, label: Label) -> str:
        """What the labeller was not to know before: what others said, and how confident Codex was."""
        others = [
            f"{it.labeller or 'somebody else'}: {VERDICTS[it.verdict]}"
            for it in self.workbench.store.labels.of(label.run_id, label.question_id)
            if it.labeller != label.labeller
        ]
        if label.run_id:
            record = self.workbench.store.runs.record(label.run_id, label.question_id)
            graded = record.grader_correct
            if graded is not None:
                others.append(f"the grader: {'correct' if graded else 'incorrect'}")
        else:
            value = self.workbench.store.load(label.question_id).last.confidence.value
            if value is not None:
                others.append(f"Codex: {percent(value)} likely correct")
        return "; ".join([f"You: {VERDICTS[label.verdict]}", *others])


def progress_view(progress: Progress) -> JSON:
    """How far a queue is."""
    return {
        "answers": progress.answers,
        "labelled": progress.labelled,
        "note": progress.note,
        "days": [{"day": day.day.isoformat(), "labels": day.labels} for day in progress.days[-DAYS:]],
        "shrinking": [[each.labelled, each.value, each.low, each.high] for each in progress.shrinking],
    }


def _moment(label: Label) -> str:
    return label.made_at.isoformat() if label.made_at else ""


def _metric(found: Metric) -> list[float | None]:
    return [None if math.isnan(value) else value for value in (found.value, found.low, found.high)]


def _coefficient(found: Coefficient) -> JSON:
    return {
        name: None if isinstance(value, float) and value != value else value
        for name, value in asdict(found).items()
    }


def build(workbench: Workbench, labelling: Labelling, jobs: Jobs) -> None:
    """Put the page into the Blocks that are open."""
    page = LabelPage(workbench, labelling, jobs)
    calls: Calls = {
        "read": (*(page.look, page.progress, page.card, page.search), page.agreement, page.recalibrating),
        "label": (page.next, page.put, page.undo),
        "evaluate": (page.create, page.delete, page.recalibrate, page.activate),
    }
    view("label", page.config(), calls)
    answers.build(workbench)
