"""The spans of a response that the response itself marks as its answer."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from codex.grading.spoken import final_part

__all__ = ["LONGEST_SPAN", "final_part", "marked", "unstressed"]

T = TypeVar("T")

LONGEST_SPAN = 400
"""Characters; an answer is shorter."""
MOST_SPANS = 32
"""Of one kind of mark: the last ones."""

# Of each language: what an answer is called, what may follow that name, and the verb.
_ANSWERS = (
    (
        "answers?",
        "therefore|thus|then|here|clearly|in this case",
        "is|are|was|would be|will be|should be|must be|has to be|remains",
    ),
    ("respuesta", "correcta|final", "es|sería|son"),
    ("resposta", "correta|certa|final", "é|seria|são"),
    ("réponse|reponse", "correcte|finale|exacte|juste", "est|serait"),
    ("antwort(?:möglichkeit)?", "", "ist|lautet|wäre"),
    ("risposta", "corretta|esatta|giusta|finale", "è|sarebbe"),
    ("antwoord", "", "is"),
    ("odpowiedź|odpowiedzią", "", "to|jest|brzmi"),
    ("svaret|svar", "", "är|er"),
    ("vastaus", "", "on"),
    ("cevap|cevabı|yanıt", "", "şudur"),
    ("ответ|ответом|відповідь", "", "это|является|—|–|-|це"),
    ("απάντηση", "", "είναι"),
    ("jawaban|jawabannya", "yang benar", "adalah|ialah"),
    ("đáp án|câu trả lời", "đúng", "là"),
    ("الجواب|الإجابة|الاجابة", "الصحيح|الصحيحة|النهائية", "هو|هي"),
    ("התשובה", "הנכונה", "היא|הוא"),
    ("उत्तर|जवाब", "", "है"),
)
_WEAKER = (
    (
        "result|solution|choice|option|conclusion",
        "therefore|thus|then|here|in this case",
        "is|was|would be|should be|must be|has to be",
    ),
    ("opción|solución|resultado", "correcta|final", "es|sería"),
    ("opção|alternativa|solução", "correta|certa|final", "é|seria"),
    ("lösung|ergebnis", "", "ist|lautet|wäre"),
    ("opzione|soluzione|risultato", "corretta|esatta|giusta|finale", "è|sarebbe"),
)
_UNSPACED = (
    r"(?:正确|正確|最终|最終)?(?:的)?(?:答案|选项|選項|答え|正解|解答)(?:是|为|為|選|选|应该是|應該是|应为|就是|は|が)?\s*[:：]?"
    r"|(?:정답|답|답변)\s?(?:은|는|이|:|：)\s*[:：]?"
    r"|คำตอบ(?:ที่ถูกต้อง)?\s?(?:คือ|เป็น|:)"
)


def _phrase(language: tuple[str, str, str]) -> str:
    noun, after, verb = (part.replace(" ", r"[ ]") for part in language)
    follows = rf"(?:[ ](?:{after}))?" if after else ""
    of_what = r"(?:[ ](?:to|for|of)[ ][^\n.:;?!]{1,80}?)?(?:,[ ]\w+,)?"
    return rf"(?:{noun}){follows}{of_what}[ ]?(?:(?:{verb})(?!\w)|[:：=])"


def _marks(languages: tuple[tuple[str, str, str], ...], *more: str) -> re.Pattern[str]:
    phrases = "|".join(map(_phrase, languages))
    return re.compile("|".join([rf"(?<![\w-])(?:{phrases})\s*[:：]?", *more]), re.IGNORECASE)


_ANSWER = _marks(_ANSWERS, _UNSPACED)
_OTHER = _marks(_WEAKER)
_UNSPACED_NAMES = ("答案", "选项", "選項", "答え", "正解", "解答", "정답", "답", "คำตอบ")


def _names(languages: tuple[tuple[str, str, str], ...]) -> tuple[str, ...]:
    """What the names of an answer begin with, small: as regular expressions they may have an ending."""
    nouns = (noun for names, _, _ in languages for noun in names.split("|"))
    return tuple(noun.partition("(")[0].removesuffix("s?").casefold() for noun in nouns)


_NAMES = {_ANSWER: (*_names(_ANSWERS), *_UNSPACED_NAMES), _OTHER: _names(_WEAKER)}
_HEADING = re.compile(
    r"^[ \t]*\#{1,6}[ \t]*(?:\w+[ ])?(?:answer|respuesta|réponse|antwort|resposta|risposta|ответ|答案)"
    r"[ \t]*:?[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_FINAL = re.compile(r"(?:final|ultimate|最终|最終)\s?$", re.IGNORECASE)
# What stands before the name of an answer that the text does not give as its own.
_NOT_ITS_OWN = re.compile(
    r"\b(?:if|whether|unless|suppose|supposing|thought|assume|assuming|which|what|why|how|when|doubt)\b[^.,;:!?\n]{0,24}$"
    r"|\b(?:possible|other|another|wrong|incorrect|alternative|one|your|this|that|these|those|no|not|any|each"
    r"|every|either|neither|first|second|third|example|sample|previous)[ ]$",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"""(?:[\s"'“”‘’*_`]|(?:therefore|thus|hence|then|clearly|definitely|certainly|probably|likely
    |most[ ]likely|simply|indeed|actually|surely|obviously
    |obvious|clear|as[ ]follows|also|still)\b[,:]?|[:：])+""",
    re.VERBOSE | re.IGNORECASE,
)
_SENTENCE_END = re.compile(
    r"(?<=[\w\"'”’)\]*}$%])[.!?]+(?=[\"'”’)\]*]{0,3}\s+[\"“(*]{0,2}[^\W\d_a-z])|[。！？]"
)
_ABBREVIATED = re.compile(
    r"(?:\b[^\W\d_]|\b(?:Mr|Mrs|Ms|Dr|St|Sr|Jr|Mt|Ft|Prof|Gen|Col|Lt|Capt|No|vs|approx|ca|Inc|Co|Ltd))$"
)
_EMPHASIS = re.compile(r"\*{2,3}|__|`+|(?<!\w)\*(?=[^\s*])|(?<=[^\s*])\*(?!\w)")
_BOLD = re.compile(r"\*\*(?=\S)([^*\n]{1,100})\*\*|(?<!\w)__(?=\S)([^_\n]{1,100})__")
_TAGGED = re.compile(r"<(?:final_)?answer>([^<]{1,400})", re.IGNORECASE)
_KEYED = re.compile(
    r"""["'](?:final|correct|my|your|the)?[ _-]?(?:answer|choice|option|label|solution)
    (?:[ _-]?(?:letter|choice|index|key))?["']
    \s*:\s*(?:("(?:[^"\\\n]|\\.){0,400}")|'([^'\n]{0,400})'|([^\s,}\]"'\[{][^,}\]\n]{0,100}))""",
    re.VERBOSE | re.IGNORECASE,
)
_FOUR = re.compile(r"^[ \t]*\#{4}(?!\#)[ \t]*([^\n]*)$", re.MULTILINE)
_STEP = re.compile(r"(?:step|part|stage|case)\b|\d+[.)]\s", re.IGNORECASE)
_NAMED = re.compile(r"(?:[^\W\d_]{2,}\s?){0,2}(?:answer|respuesta|antwort|réponse|答案)\s*:?", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{4}")
_BRACE = re.compile(r"\\(?:boxed|fbox)\s*\{|\\[{}]|[{}]|\\boxed\s+(?=\w)")
_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathsf|mathit|operatorname|mbox|bf|rm)\s*\{([^{}]*)\}"
)


def marked(text: str, bold: bool = True) -> list[str]:
    """The spans that a response marks as its answer, the most decisive one last.

    From the weakest mark to the strongest: bold, "the result is", a heading, "the answer is" (in many
    languages), "final answer", JSON and XML, LaTeX's box, "####"; of one kind in the order of the text. Each
    is at most LONGEST_SPAN characters, without emphasis, quotes and full stop. bold: whether that is a mark.
    """
    plain = unstressed(text)
    answers = _found(_ANSWER, plain)
    kinds: tuple[Iterable[str], ...] = (
        _stressed(text) if bold else (),
        (_span(plain, end) for _, end in _found(_OTHER, plain)),
        (_span(plain, heading.end()) for heading in _last(_HEADING.finditer(plain))),
        (_span(plain, end) for _, end in answers),
        (_span(plain, end) for start, end in answers if _FINAL.search(plain, max(0, start - 12), start)),
        _keyed(text),
        (tagged[1] for tagged in _TAGGED.finditer(text)),
        _boxed(text),
        _after_four(plain),
    )
    return [span for kind in kinds for span in _last(filter(None, map(_clean, kind)))]


def unstressed(text: str) -> str:
    """A text without the marks of bold, italics and code."""
    return _EMPHASIS.sub("", text)


def _stressed(text: str) -> Iterator[str]:
    """What is bold, without headings."""
    for bold in _BOLD.finditer(text):
        span = (bold[1] or bold[2]).strip()
        if (
            not span.endswith((":", "："))
            and text[bold.end() :][:1] not in (":", "：")
            and not _STEP.match(span)
        ):
            yield span


def _found(marks: re.Pattern[str], text: str) -> Sequence[tuple[int, int]]:
    """Where each mark begins and ends, but those that give somebody else's answer or none."""
    # The names of all languages are tried at every letter; a plain search is ten times as fast.
    folded = text.casefold()
    if not any(name in folded for name in _NAMES[marks]):
        return ()
    return [
        mark.span()
        for mark in _last(marks.finditer(text))
        if not _NOT_ITS_OWN.search(text, max(0, mark.start() - 48), mark.start())
    ]


def _last(found: Iterable[T]) -> Sequence[T]:
    return deque(found, maxlen=MOST_SPANS)


def _span(text: str, start: int) -> str:
    """What stands from there to the end of its sentence, or on the next line that says something."""
    lead = _LEAD.match(text, start, start + LONGEST_SPAN)
    start = lead.end() if lead else start
    line, _, _ = text[start : start + LONGEST_SPAN].partition("\n")
    for end in _SENTENCE_END.finditer(line):
        if not _ABBREVIATED.search(line, max(0, end.start() - 6), end.start()):
            return line[: end.start()]
    return line


def _clean(span: str) -> str:
    unwrapped = _EMPHASIS.sub("", span[:LONGEST_SPAN])
    for _ in range(2):
        unwrapped = _TEXT.sub(r"\1", unwrapped)
    return unwrapped.strip().strip("\"'“”‘’").rstrip(".。").strip()


def _keyed(text: str) -> Iterator[str]:
    for quoted, single, bare in _last(_KEYED.findall(text)):
        try:
            yield json.loads(quoted, strict=False) if quoted else single or bare
        except json.JSONDecodeError:
            yield quoted[1:-1]


def _boxed(text: str) -> list[str]:
    """What stands in each \\boxed{}, with braces of its own; of one never closed the rest of its line."""
    opened: list[tuple[int, bool]] = []
    found: list[tuple[int, str]] = []
    for brace in _BRACE.finditer(text):
        if brace[0] == "}" and opened:
            start, is_box = opened.pop()
            if is_box:
                found.append((start, text[start : min(brace.start(), start + LONGEST_SPAN)]))
        elif brace[0].endswith(" "):
            found.append((brace.end(), text[brace.end()]))
        elif brace[0].endswith("{") and brace[0] != r"\{":
            opened.append((brace.end(), brace[0] != "{"))
    cut_off = [start for start, is_box in opened if is_box][-1:]
    found += [(start, text[start : start + LONGEST_SPAN].partition("\n")[0]) for start in cut_off]
    return [span for _, span in sorted(found)]


def _after_four(text: str) -> Iterator[str]:
    for line in _FOUR.finditer(text):
        said = line[1].strip()
        rest = text[line.end() : line.end() + LONGEST_SPAN].strip()
        if named := _NAMED.match(said):
            said = said[named.end() :].strip() or rest.partition("\n")[0]
        is_heading = _STEP.match(said) or (_WORD.search(said) and not any(map(str.isdigit, said)))
        if not (is_heading and rest):
            yield said
