"""The Label page: one answer after another, judged by a person."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from codex.ask.workbench import Workbench
from codex.labelling.agreement import Coefficient
from codex.labelling.progress import Progress
from codex.labelling.queues import MOST_LABELLERS, Card, Labelling
from codex.pages import JSON
from codex.pages.components import view
from codex.pages.label import answers
from codex.store.label_queues import LabelQueue, Source
from codex.store.labels import Label, LabelVerdict
from codex.text import percent

SOURCES: dict[Source, str] = {
    "deferred": "questions left to a person",
    "asked": "every answer of the Ask page",
    "incorrect": "answers marked as incorrect",
    "run": "the answers of a run",
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


class LabelPage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, workbench: Workbench, labelling: Labelling) -> None:
        self.workbench = workbench
        self.labelling = labelling

    def config(self) -> JSON:
        """What the page needs at the start."""
        return {
            "sources": list(SOURCES.items()),
            "orders": list(ORDERS.items()),
            "verdicts": [[word, said, COUNTS_AS.get(word, "")] for word, said in VERDICTS.items()],
            "labellers": MOST_LABELLERS,
        }

    def look(self, _: JSON) -> JSON:
        """The queues, and the runs that one can be made of."""
        runs = {each.run.id: each.run.name for each in self.workbench.store.runs.list()}
        queues, counts = self.workbench.store.label_queues.list(), self.workbench.store.label_queues.counts()
        return {"queues": [self._line(queue, runs, counts) for queue in queues], "runs": list(runs.items())}

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
        """What is to be labelled now, and how far the queue is. wanted: {queue, labeller}."""
        queue, labeller = str(wanted["queue"]), str(wanted["labeller"])
        card = self.labelling.card(queue, labeller)
        if card is None and self.labelling.renew(queue):
            card = self.labelling.card(queue, labeller)
        return {
            "card": self._card(card, labeller) if card else None,
            "progress": progress_view(self.labelling.progress(queue)),
        }

    def card(self, wanted: JSON) -> JSON:
        """An answer that was labelled before, with what the labeller said. wanted: {key, labeller}."""
        run, question = wanted["key"]
        return self._card(self.labelling.read((str(run), str(question))), str(wanted["labeller"]))

    def put(self, wanted: JSON) -> JSON:
        """Keep a label, and tell what was hidden until then: the last one's facts.

        wanted: {queue, labeller, key, verdict, correction, note}.
        """
        run, question = wanted["key"]
        label = self.labelling.put(
            str(wanted["queue"]),
            Label(
                str(run),
                str(question),
                wanted["verdict"],
                str(wanted["labeller"]),
                str(wanted.get("correction") or ""),
                str(wanted.get("note") or ""),
            ),
        )
        return {"said": self._told(label)}

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
        own = next((it for it in self.workbench.store.labels.of(*card.key) if it.labeller == labeller), None)
        said = {"verdict": own.verdict, "correction": own.correction, "note": own.note} if own else None
        return {
            "key": card.key,
            "question": card.question,
            "answer": card.observation.generation.text,
            "accepted": card.accepted,
            "passages": [[passage.name, passage.text] for passage in card.observation.passages],
            "own": said,
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
    return {"answers": progress.answers, "labelled": progress.labelled, "note": progress.note}


def _coefficient(found: Coefficient) -> JSON:
    return {
        name: None if isinstance(value, float) and value != value else value
        for name, value in asdict(found).items()
    }


def build(workbench: Workbench, labelling: Labelling) -> None:
    """Put the page into the Blocks that are open."""
    page = LabelPage(workbench, labelling)
    calls: tuple[Any, ...] = (
        *(page.look, page.create, page.delete, page.next, page.card),
        *(page.put, page.undo, page.agreement),
    )
    view("label", page.config(), calls)
    answers.build(workbench)
