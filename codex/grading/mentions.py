"""Where a text names the choices of a question, by label or by text, and where it denies them."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from codex.grading.number_words import NUMBERS

# A label stands alone among Latin letters and digits; scripts without spaces may touch it.
_BEFORE = r"(?<![0-9A-Za-zÀ-ɏ])"
_AFTER = r"(?![0-9A-Za-zÀ-ɏ]|['’][A-Za-z]|[.,]\d|-\w)"
_CALLED = (
    r"(?:options?|choices?|answers?|letter|number|opci[oó]n|opção|alternativa|letra|lettre|réponse"
    r"|respuesta|resposta|risposta|opzione|antwort|buchstabe|вариант|ответ|буква|选项|選項|选择|選択肢|보기)"
)
_CONNECTIVE = (
    r"(?:because|since|as|is|was|are|would|must|seems|looks|it|and|or|nor|but|not|due|given|porque|weil|parce|car"
    r"|ist|est|es|è|é)\b"
)
_FIELD = re.compile(
    r"\b(?:vitamin|hepatitis|grade|type|class|figure|fig|plan|team|section|part|point|size|category|group|blood"
    r"|malcolm|mr|mrs|dr|line|level|variable|planet|company)\.? $|[°\d] ?$",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"(?<![\w)\]}])[-−–]?(?:\d+(?:[.,:/]\d+)*|\.\d+)|[぀-ヿ㐀-鿿가-힯฀-๿]|[^\W\d_぀-ヿ㐀-鿿가-힯฀-๿][^\W_぀-ヿ㐀-鿿가-힯฀-๿]*|\d+"
    r"|[+\-−=<>≤≥±×÷/^%°&#~]"
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ARTICLES = frozenset(("a", "an", "the"))
_SAME = {"percent": "%", "−": "-", "–": "-", "and": "&"}


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a text names a choice."""

    start: int
    end: int
    choice: int
    is_label: bool
    denied: bool = False
    clashes: int | None = None
    """Of a label: the other choice whose text stands beside it."""
    is_doubtful: bool = False
    """A label only where the text of its choice stands beside it: "1. First, ..." begins a list of steps."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of a question, ready to be found in texts."""

    labels: tuple[str, ...]
    forms: tuple[tuple[int, str], ...]
    """Wordings of the choices: number of the choice, its words as `tokens` has them between blanks."""
    bare: re.Pattern[str]
    """A label alone, with or without brackets and the word option."""
    number_matters: bool
    """Whether two choices differ in a plural alone."""


def normal(text: str) -> str:
    """A text with one form for each character: full-width letters and the like become plain ones."""
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=1024)
def prepared(labels: tuple[str, ...], choices: tuple[str, ...]) -> Choices:
    """The choices ready to be found; kept for the last questions."""
    names = tuple(normal(label).strip().strip("().[]:") for label in labels)
    words = tuple(_joined(choice) for choice in choices)
    number_matters = len(set(words)) < len(words)
    if number_matters:
        words = tuple(_joined(choice, singular=False) for choice in choices)
    longest = sorted(filter(None, names), key=len, reverse=True)
    anyone = "|".join(map(re.escape, longest)) or r"(?!)"
    bare = re.compile(
        rf"(?P<called>{_BEFORE}{_CALLED}\s?(?:is\s|:\s?|number\s|\#)?)?(?P<open>[(\[{{])?"
        rf"(?:(?<=[(\[{{])|{_BEFORE})(?P<label>{anyone}){_AFTER}(?P<close>\s?[)\]}}])?",
        re.IGNORECASE,
    )
    forms = [
        *enumerate(words),
        *((at, _joined(form)) for at, choice in enumerate(choices) for form in _all_or_none(choice)),
    ]
    return Choices(names, tuple(forms), bare, number_matters)


_QUANTIFIED = re.compile(
    r"(all|none|both|neither|any)(?: of)?(?: the| these| those)?(?: \w+)?", re.IGNORECASE
)
_ABOVE = re.compile(
    r"\b(?:above|these|those|options?|choices?|answers?|listed|given|all|none|both|neither)$", re.IGNORECASE
)


def _all_or_none(choice: str) -> Iterator[str]:
    """Other wordings of a choice such as "None of the above"."""
    said = normal(choice).strip(" .")
    if (found := _QUANTIFIED.fullmatch(said)) and _ABOVE.search(said):
        for whole in (
            "above",
            "these",
            "those",
            "them",
            "options",
            "choices",
            "answers",
            "these options",
            "above options",
        ):
            yield f"{found[1]} of {whole}"
            yield f"{found[1]} {whole}"


def tokens(text: str, singular: bool = True) -> list[tuple[str, int, int]]:
    """The words of a normal text with where they begin and end, without articles; signs of formulas too.

    singular: whether a plural is its singular.
    """
    found = [(_word(it[0], singular), it.start(), it.end()) for it in _TOKEN.finditer(text) if _counts(it)]
    return [word for word in found if word[0] not in _ARTICLES] or found


def _counts(token: re.Match[str]) -> bool:
    # A hyphen between two words joins them, one before a blank is a dash or a bullet.
    if token[0] not in "-−":
        return True
    before, after = token.string[: token.start()][-1:], token.string[token.end() :][:1]
    return not (before.isalpha() and after.isalpha())


def _word(token: str, singular: bool) -> str:
    word = _THOUSANDS.sub("", token.casefold())
    if not word.isascii():
        word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    word = word.replace("−", "-").replace("–", "-")
    if word.startswith((".", "-.")):
        word = word.replace(".", "0.")
    if singular and len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    return str(NUMBERS.get(word, _SAME.get(word, word)))


def _joined(choice: str, singular: bool = True) -> str:
    return f" {' '.join(word for word, _, _ in tokens(normal(choice), singular))} "


def mentions(choices: Choices, text: str, is_answer: bool = False) -> list[Mention]:
    """Every place of a normal text that names a choice, in order; the longest of those that overlap.

    is_answer: the text is what a response marks as its answer, so that a lone small letter or a number at
    its beginning is a label too.
    """
    found = [*_texts(choices, text), *_labels(choices, text, is_answer)]
    chosen: list[Mention] = []
    for mention in sorted(found, key=lambda it: (it.start, -it.end)):
        last = chosen[-1] if chosen else None
        if last is None or mention.start >= last.end:
            chosen.append(mention)
        elif mention.end - mention.start > last.end - last.start:
            chosen[-1] = mention
    return _joint(text, chosen)


def _texts(choices: Choices, text: str) -> Iterator[Mention]:
    found = tokens(text, singular=not choices.number_matters)
    joined = f" {' '.join(word for word, _, _ in found)} "
    starts, at = [], 1
    for word, _, _ in found:
        starts.append(at)
        at += len(word) + 1
    for choice, words in choices.forms:
        place = joined.find(words) if words.strip() else -1
        while place >= 0:
            first = bisect_right(starts, place + 1) - 1
            last = bisect_right(starts, place + len(words) - 2) - 1
            yield Mention(found[first][1], found[last][2], choice, is_label=False)
            place = joined.find(words, place + len(words) - 1)


def _labels(choices: Choices, text: str, is_answer: bool) -> Iterator[Mention]:
    by_name = {name.upper(): at for at, name in reversed(list(enumerate(choices.labels)))}
    for found in choices.bare.finditer(text):
        if _is_label(found, is_answer):
            name, doubtful = (
                found["label"],
                not is_answer and _ITEM.match(text, found.end("label")) is not None,
            )
            doubtful = doubtful and not found["called"] and not (name.isupper() and name.isalpha())
            choice = by_name[name.upper()]
            yield Mention(found.start(), found.end(), choice, is_label=True, is_doubtful=doubtful)
    for found in _ORDINAL.finditer(text):
        at = _ORDINALS[found[1].casefold()]
        choice = at if at >= 0 else len(choices.labels) + at
        if choice < len(choices.labels):
            yield Mention(found.start(), found.end(), choice, is_label=True)


_ITEM = re.compile(r"\s?[.):]\)?\s*\w")
_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5, "last": -1} | {
    "1st": 0,
    "2nd": 1,
    "3rd": 2,
    "4th": 3,
    "5th": 4,
    "6th": 5,
}
_ORDINAL = re.compile(rf"\b({'|'.join(_ORDINALS)})\s(?:option|choice|answer|alternative)\b", re.IGNORECASE)


_FOLLOWED = re.compile(
    rf"\s*(?:$|[.,;:!?\n/)\]}}\"'”’*$=、。，：；–—]|-\s|\s(?:{_CONNECTIVE}|[A-Z](?!\w)))", re.IGNORECASE
)
_ENDS = re.compile(r"\s*(?:$|[.,;:!?\n)\]*$]|-\s|–|—)")
_OPENS_SENTENCE = re.compile(r"(?:^|[.!?:;\n])[\s\"'“‘*#>(]*$")
_LEADS_TO_LABEL = re.compile(
    r"\b(?:is|be|or|and|not|nor|than|choose|pick|select|with|say|so|to|es|la|ist|est)\s[\"'“*$]*$",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\s(?!is\b|and\b|or\b|because\b|since\b)[a-z]|['’]")


_JUDGED = re.compile(r"\s(?:is|was)\s(?:\w+\s)?(?:right|correct|wrong|incorrect)\b", re.IGNORECASE)
_PAIRED = re.compile(r"\s(?:and|or|nor)\s[IVX]{1,5}\b")


def _is_label(found: re.Match[str], is_answer: bool) -> bool:
    """Whether what could be a label is one, rather than an article, a pronoun, a quantity or an initial."""
    text, label = found.string, found["label"]
    start, end = found.start("label"), found.end()
    if found["close"] and (found["open"] or _OPENS_SENTENCE.search(text, max(0, start - 8), start)):
        return not (found["open"] == "(" and label in ("s", "es"))
    if found["open"]:
        return found.end() == len(text)
    leads = start == 0 or bool(_OPENS_SENTENCE.search(text, max(0, start - 8), start))
    if label.isdigit() or (label.islower() and len(label) <= 4):
        return _is_small_label(found, leads, is_answer)
    if label.upper() != label:
        return leads and bool(_FOLLOWED.match(text, end))
    if found["called"]:
        return not (label == "I" and _PRONOUN.match(text, end))
    if _FIELD.search(text, max(0, start - 12), start):
        return False
    if label == "I":
        if _PAIRED.match(text, end):
            return True
        return bool(_ENDS.match(text, end)) and (
            leads or bool(_LEADS_TO_LABEL.search(text, max(0, start - 12), start))
        )
    if re.match(r"\.\s?[A-Z]\.|\.[A-Za-z]", text[end : end + 4]):
        return False
    if label == "A" and leads:
        return bool(_FOLLOWED.match(text, end))
    return True


def _is_small_label(found: re.Match[str], leads: bool, is_answer: bool) -> bool:
    """The same of a number or small letters. leads: it begins a sentence."""
    text, label, start, end = found.string, found["label"], found.start("label"), found.end()
    if leads and (_ITEM.match(text, end) or (is_answer and label != "a")):
        return bool(_FOLLOWED.match(text, end))
    own = bool(found["called"]) or start == 0 or (label not in ("a", "i") and _is_said_last(found))
    if _JUDGED.match(text, end):
        return True
    return own and bool(_ENDS.match(text, end) or (label.isdigit() and _FOLLOWED.match(text, end)))


def _is_said_last(found: re.Match[str]) -> bool:
    """Whether the label ends the text, after "it is" or the like."""
    leads = _LEADS_TO_LABEL.search(found.string, max(0, found.start() - 12), found.start())
    return leads is not None and not re.search(r"\w", found.string[found.end() :][:8])


_BETWEEN = re.compile(r"[\s).\]:,\-–—*(\"'“=]*(?:(?:the|is)\s)?[\"'“(]?")


def _joint(text: str, found: Sequence[Mention]) -> list[Mention]:
    """Label and text of one choice that stand side by side as one mention; those of two choices clash."""
    joint: list[Mention] = []
    for mention in found:
        last = joint[-1] if joint else None
        if last and last.is_label and not mention.is_label:
            between = text[last.end : mention.start]
            if len(between) < 12 and "," not in between and _BETWEEN.fullmatch(between):
                other = None if last.choice == mention.choice else mention.choice
                is_all = last.start == 0 and mention.end >= len(text.rstrip(" .!"))
                if other is None or is_all or not last.is_doubtful:
                    joint[-1] = replace(last, end=mention.end, clashes=other, is_doubtful=False)
                    continue
        joint.append(mention)
    joint = [each for each in joint if not each.is_doubtful]
    return [replace(each, denied=denied) for each, denied in zip(joint, _denied(text, joint), strict=True)]


_DENIAL = re.compile(
    r"(?:\b(?:not|never|neither|nor|cannot|no\ es|nicht|kein\w*|pas|não|nie|rather\ than|instead\ of"
    r"|unlike|other\ than|except|excluding|rul(?:e|es|ed|ing)\ out|eliminat(?:e|es|ed|ing)|discard|reject)\b"
    r"|n['’]t\b|\bне\b|不是|并非|並非|不选|不選)"
    r"(?:(?!\bbut\b|\bsondern\b|\bsino\b|\bonly\b|\bjust\b)[^.,;:!?\n]){0,40}$",
    re.VERBOSE | re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"""[)\]."'”:,*\s]{0,4}(?:\([^)\n]{0,60}\)\s?)?(?:which\s|that\s|this\s|it\s)?
    (?: \?\s{0,3}no(?:t|pe)?\b | cannot\b
    | (?:is|are|was|were|does|do|did|can|could|would|should|has|have|will)
      (?:\s(?:\w+\s)?not\b|n['’]t\b)
    | (?:is|are|was|were|looks?|seems?|would\sbe|can\sbe)\s(?:\w+\s)?
      (?:wrong|incorrect|false|out|unlikely|impossible|excluded|eliminated|ruled|mistaken|inaccurate|irrelevant)\b
    | [-–—]?\s?(?:wrong|incorrect|false|no)\b(?!\w|\s\w+\sthat)
    | [✗✘❌✖]
    | ではな|じゃな|は間違|不对|不對|不正确|错误|錯誤|가\s아니|이\s아니|은\s아니|는\s아니
    | (?:ist|es|est|è|é)\s(?:falsch|nicht|incorrect[ao]|fals[ao]|fausse?|pas|sbagliat[ao]|errad[ao])\b )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LISTED = re.compile(
    r"\s*(?:,|or|and|nor|,\s(?:or|and|nor))\s*(?:the|a|an|option)?\s*[\"'“(]?", re.IGNORECASE
)


def _denied(text: str, found: Sequence[Mention]) -> Iterator[bool]:
    """Of each mention whether the text denies it: "not A", "A is wrong", and what is listed after such."""
    before, since = False, 0
    for mention in found:
        listed = before and bool(_LISTED.fullmatch(text[since : mention.start][:20]))
        ahead = _DENIAL.search(text, max(since, mention.start - 48), mention.start)
        denied = listed or ahead is not None or _DENIED_AFTER.match(text, mention.end) is not None
        yield denied
        before, since = (listed or ahead is not None), mention.end
