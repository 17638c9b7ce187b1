"""The grader of multiple choice: which choice a response decides for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from codex.grading import boolean
from codex.grading.final_answer import final_part, marked, unstressed
from codex.grading.mentions import (
    Choices,
    Mention,
    mentions,
    normal,
    prepared,
    tokens,
)
from codex.grading.word_recall import STOP_WORDS
from codex.items import Item

Chosen = frozenset[int]
"""Choices by number."""


def score(item: Item, text: str) -> float:
    """Whether a response decides for an accepted choice and for no other: 0 or 1."""
    decided = chosen(item, text)
    return float(bool(decided) and decided <= _accepted(item))


def chosen(item: Item, text: str) -> Chosen:
    """The choices that a response decides for; several where it names several without deciding.

    What the response marks as its answer counts first, then its last clear statement, then the label at its
    beginning, then what it names and does not deny.
    """
    choices = prepared(item.marks, item.choices)
    said = _LATEX.sub("", normal(final_part(text, item.question)))
    for span in reversed(marked(said, bold=False)):
        if named := _read(choices, span, is_answer=True):
            return named
    bold = marked(said)
    said = _without_list(choices, unstressed(said))
    named = _stated(choices, said) or _read(choices, said)
    if len(named) > 1:
        stressed = Chosen().union(*(_read(choices, span) for span in bold))
        return stressed if len(stressed) == 1 and stressed <= named else named
    return named or _yes_or_no(item, said) or _alike(item, said)


_LATEX = re.compile(r"\\[()\[\],;! ]")


def _accepted(item: Item) -> Chosen:
    """The choices that count as correct: named by their text, or where no text is meant by their label."""
    accepted = set(map(_same, item.answers))
    of_text = Chosen(at for at, choice in enumerate(item.choices) if _same(choice) in accepted)
    return of_text or Chosen(at for at, mark in enumerate(item.marks) if _same(mark) in accepted)


def _same(text: str) -> str:
    return " ".join(normal(text).casefold().split()).rstrip(".")


_LEAD = re.compile(
    r"[\W_]*(?:(?:the|la|el|le|die|der|das|il|lo|a|o|l['’]|it\s(?:is|must\sbe)|it['’]s|that\s(?:is|would\sbe)|i"
    r"\s(?:think|believe|would\ssay|choose|pick)(?:\sit\sis|\sit['’]s)?|correct|option|sure|so)\b[\W_]*)*",
    re.IGNORECASE,
)
_AND = re.compile(
    r"""[\s)\]"'”*]{0,6}(?:,\s{0,3})?(?:\b(?:or|and|nor|oder|und|ou|et|o|y|e)\b|[/&,+]|或|和|または|と)
    [\s(\["'“*]{0,6}(?:the\s|option\s|maybe\s|perhaps\s|possibly\s|even\s)?""",
    re.VERBOSE | re.IGNORECASE,
)
_ENDS = re.compile(
    r"""[\s)\]"'”*$]*(?:$|[.!?:;\n。、，]|,\s*(?:because|since|as|which|not|for|due|whereas)\b|\s(?:because|since)\b)""",
    re.VERBOSE | re.IGNORECASE,
)
_NAME = re.compile(r"(?:[A-ZÀ-Þ][\w.'’-]*\s+){1,3}[A-ZÀ-Þ][\w'’-]+")
_DENIES = re.compile(r"\b(?:not|no|never|neither|nor|or)\b|n['’]t\b", re.IGNORECASE)
_ITEM = re.compile(r"[(\[]?\w{1,4}[.):\]]")
_OPENS = re.compile(r"(?:^|[.!?:;\n])[\s\"'“*(\[]*$")


def _read(choices: Choices, text: str, is_answer: bool = False) -> Chosen:
    """The choices that a text names and does not deny; the first alone where the text begins with it."""
    found = mentions(choices, text, is_answer)
    asserted = [mention for mention in found if not mention.denied]
    if asserted and _leads(text, asserted, is_answer):
        asserted = asserted[:1]
    return Chosen(at for it in asserted for at in (it.choice, it.clashes) if at is not None)


def _leads(text: str, asserted: Sequence[Mention], is_answer: bool) -> bool:
    """Whether the first mention is the answer, and what follows its explanation."""
    first, rest = asserted[0], asserted[1:]
    lead = _LEAD.match(text)
    if (
        not lead
        or lead.end() < first.start
        or not (first.is_label or is_answer or _ENDS.match(text, first.end))
    ):
        return False
    if text[first.end :][:1] == "?" or (rest and _follows(text, first, rest[0])):
        return False
    # Labels at the beginning of sentences are a list of the choices.
    others = [it for it in rest if it.is_label and it.choice != first.choice and _opens(text, it)]
    return not any(not is_answer or _ITEM.match(text, it.start) for it in others)


def _follows(text: str, one: Mention, other: Mention) -> bool:
    """Whether the other mention is joined to the first by "or", "and", a comma or nothing."""
    between = text[one.end : other.start]
    return _AND.fullmatch(between[:40]) is not None or (
        other.is_label and between.isspace() and "\n" not in between
    )


def _opens(text: str, mention: Mention) -> bool:
    return _OPENS.search(text, max(0, mention.start - 8), mention.start) is not None


_CONCLUDES = re.compile(
    r"""(?: \b(?:so|therefore|thus|hence|consequently)\b,?\s?(?:the\s)?
        | \b(?:must|has\sto|should|would|can\sonly)\sbe\s(?:the\s)?
        | \b(?:so|therefore|thus|hence|then)\b[^.!?\n]{0,24}?\b(?:is|it['’]s|are)\s(?:the\s)?
        | \b(?:choose|chose|pick|select|go(?:ing)?\swith|settle\s(?:on|for)|opt\sfor|stick\swith
            |conclude\s(?:that\s)?it\sis|answer(?:\swith)?)\s(?:the\s)?
        | \b(?:leaves?|leaving)\s(?:us\s(?:with\s)?|only\s)?(?:the\s)?
        | \b(?:actually|wait|correction|on\ssecond\sthought|i\smean|in\sfact)\b[^.!?\n]{0,32}
        | \bbut\s(?:(?:it\sis|it['’]s|rather)\s)?(?:the\s)?
        | =\s? | 选择? | 選 | elijo\s(?:la\s)? | je\schoisis\s(?:la\s)? | ich\swähle\s )
        (?:(?:option|choice|answer|letter)\s)?["'“*(\[$]*$""",
    re.VERBOSE | re.IGNORECASE,
)
_CONFIRMED = re.compile(
    r"""[)\]"'”*:.\s]{0,4}(?:\([^)\n]{0,60}\)\s?)?[-–—]?\s?
    (?: (?:(?:is|was|would\sbe|must\sbe|has\sto\sbe|seems|remains)\s
           (?:(?:the|therefore|thus|definitely|clearly|indeed|most|likely|a)\s){0,3})?
        (?:correct|right|true|best|better|answer|only\sone|solution)\b(?!\s(?:about|that|for)\b)
      | (?:ist|es|est|è|é)\s(?:die\s|la\s|le\s)?
        (?:richtig|korrekt|correct[ao]?|correcte|giust[ao]|esatt[ao]|cert[ao])
      | [✓✔✅☑] | 正确 | 正確 | 是对的 | が正 | は正 | [가이]\s정답 )""",
    re.VERBOSE | re.IGNORECASE,
)


def _stated(choices: Choices, text: str) -> Chosen:
    """The choice of the last clear statement, such as "so it must be B" or "B is correct"."""
    found = mentions(choices, text)
    for at in range(len(found) - 1, -1, -1):
        it = found[at]
        if it.denied or it.clashes is not None:
            continue
        if not (_concludes(text, it) or _CONFIRMED.match(text, it.end) or _is_last(text, found, at)):
            continue
        pairs = zip(found[max(0, at - 1) : at + 1], found[max(1, at) : at + 2], strict=False)
        linked = [pair for pair in pairs if _follows(text, *pair)]
        return Chosen((it.choice, *(each.choice for pair in linked for each in pair if not each.denied)))
    return Chosen()


def _concludes(text: str, mention: Mention) -> bool:
    return _CONCLUDES.search(text, max(0, mention.start - 64), mention.start) is not None


def _is_last(text: str, found: Sequence[Mention], at: int) -> bool:
    """Whether a mention is all of the last line or sentence, or a label after its last comma."""
    it = found[at]
    if at == 0 or _SAYS.search(text, it.end):
        return False
    before = text[max(0, it.start - 80) : it.start]
    sentence = _SENTENCE.split(before)[-1]
    # The last line of a list is no statement.
    if found[at - 1].is_label and _opens(text, found[at - 1]) and "\n\n" not in before:
        return False
    return not _SAYS.search(sentence) or (it.is_label and _AFTER_COMMA.search(sentence) is not None)


_SAYS = re.compile(r"\w")
_AFTER_COMMA = re.compile(r"(?:,|->|=>|→)\s?[\"'“*($\[]{0,3}$")
_SENTENCE = re.compile(r"[.!?。]\s|\n")
_GAP = re.compile(
    r"[\s.,;:/|*_)\]\"'”–—-]{0,12}(?:(?:and|or)\b)?[\s*(\[\"'“-]{0,6}(?:option\s)?", re.IGNORECASE
)


def _without_list(choices: Choices, text: str) -> str:
    """A text without its lists of all the choices in their order, which repeat the question."""
    found, count = mentions(choices, text), len(choices.labels)
    kept, since, run = [], 0, 0
    for at, it in enumerate(found):
        follows = run > 0 and _GAP.fullmatch(text, found[at - 1].end, it.start) is not None
        run = run + 1 if follows and it.choice == run else int(it.choice == 0)
        if run == count > 1:
            kept.append(text[since : found[at - count + 1].start])
            since, run = it.end, 0
    return "\n".join([*kept, text[since:]])


def _yes_or_no(item: Item, text: str) -> Chosen:
    """The choice that means what a text says by other words than yes and no: "It isn't"."""
    sides = [boolean.side(choice) for choice in item.choices]
    verdict = boolean.verdict(text, item.question) if {True, False} <= set(sides) else None
    return Chosen(at for at, side in enumerate(sides) if side is verdict is not None)


_STATEMENT = 4
"""Words of its own from which a choice may be worded in another way."""
_MOST, _FEW = 0.75, 0.5
"""Shares of a choice's own words: it is meant where so many are said, and of every other choice fewer."""


def _alike(item: Item, text: str) -> Chosen:
    """The only choice that is meant by a name's last word, or by most of a statement's words."""
    of_each = [_own(item.question, choice) for choice in item.choices]
    said = frozenset(word for word, _, _ in tokens(text))
    if not said or _DENIES.search(text):
        return Chosen()
    named = [
        at
        for at, (choice, own) in enumerate(zip(item.choices, of_each, strict=True))
        if _NAME.fullmatch(choice) and own[-1:] and own[-1] in said and _only(own[-1], at, of_each)
    ]
    if named:
        return Chosen(named)
    shares = [sum(word in said for word in own) / max(len(own), _STATEMENT) for own in of_each]
    best = max(range(len(shares)), key=shares.__getitem__, default=0)
    others = [share for at, share in enumerate(shares) if at != best]
    alone = shares and shares[best] >= _MOST and max(others, default=0.0) < _FEW
    return Chosen((best,)) if alone else Chosen()


def _own(question: str, choice: str) -> list[str]:
    """The words of a choice that are neither stop words nor in the question."""
    asked = {word for word, _, _ in tokens(normal(question))}
    words = [word for word, _, _ in tokens(normal(choice))]
    return [word for word in words if word not in STOP_WORDS and word not in asked]


def _only(word: str, at: int, of_each: Sequence[Sequence[str]]) -> bool:
    return not any(word in own for other, own in enumerate(of_each) if other != at)
