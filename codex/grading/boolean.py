"""The grader of yes and no, true and false: which of the two a response says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from codex.grading.final_answer import final_part, marked
from codex.grading.mentions import normal, tokens
from codex.grading.word_recall import STOP_WORDS
from codex.items import Item

_SIDES = {
    **dict.fromkeys(("yes", "true", "y", "t", "correct", "right"), True),
    **dict.fromkeys(("no", "false", "n", "f", "incorrect", "wrong"), False),
}
_WRITTEN_OUT = frozenset(("yes", "true", "no", "false"))


def score(item: Item, text: str) -> float:
    """Whether a response says what is accepted, yes or no: 0 or 1; what says neither is not correct."""
    accepted = set(map(side, item.answers)) - {None}
    return float(verdict(text, item.question) in accepted)


def side(answer: str) -> bool | None:
    """True of an answer such as "yes", False of one such as "false", None of any other."""
    return _SIDES.get(_bare(answer))


def is_boolean(answers: Sequence[str]) -> bool:
    """Whether the accepted answers are yes or true, or no or false, and nothing else."""
    bare = set(map(_bare, answers))
    return bool(bare) and bare <= _WRITTEN_OUT and len({_SIDES[answer] for answer in bare}) == 1


def _bare(answer: str) -> str:
    return normal(answer).strip(" .!\"'").casefold()


def verdict(text: str, question: str = "") -> bool | None:
    """What a response says: yes or true, no or false; None where it says neither or does not decide.

    What the response marks as its answer counts first. Of its statements the last clear one counts: a yes or
    no, else whether something is true, else "it does" or "it isn't", else the question's own words, stated
    or denied.
    """
    said = normal(final_part(text, question)).replace("’", "'")
    for span in reversed(marked(said, bold=False)):
        if (found := _said(span)) is not None:
            return found
    found = _said(said)
    return _restated(said, question) if found is None else found


_EITHER = re.compile(
    r"\b(?:yes\s?(?:and|or|/)\s?no|no\s?(?:and|or|/)\s?yes|true\s?(?:and|or|/)\s?false|false\s?(?:and|or|/)\s?true)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[.!?;:\n。！？，,—–]+|\s-\s|\b(?=(?:but|so|because|since|although|though|therefore|thus|hence)\b\s*[^\s.!?,;:])",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"""\b(?: maybe | perhaps | possibly | it\sdepends | depend(?:s|ing)\son | unsure | uncertain | unclear
    | (?:not|\w+n't|cannot)\s(?:\w+\s)?
      (?:sure|certain|clear|know|known|say|tell|determine|confirm|simple|easy|straightforward|enough)
    | no\s(?:clear|definite|definitive|simple|single|straightforward|easy)\s(?:\w+\s){0,2}?(?:answer|yes|no)
    | hard\sto\s(?:say|tell) | (?:may|might|could)\s(?:be|not|have|well) | it\s(?:may|might|could)
    | vielleicht | quizás? | tal\svez | peut-être | forse | talvez | возможно | может )\b
    | 可能 | [也][许許] | たぶん | 아마""",
    re.VERBOSE | re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"\b(?:actually|wait|correction|on\ssecond\sthought|scratch\sthat|i\smean)\b", re.IGNORECASE
)


def _said(text: str) -> bool | None:
    """What the clauses of a text say by clear words; None where there are none."""
    by_word = by_truth = by_form = None
    corrects = False
    for clause in _clauses(_EITHER.sub(" ", text)):
        corrects = corrects or _CORRECTION.search(clause) is not None
        if _HEDGE.search(clause):
            continue
        word, truth = _word(clause), _truth(clause)
        if word is not None and not (by_word is False and _NO_DOUBT.match(clause)):
            by_word = word
        if truth is not None:
            by_truth = truth
            if corrects:
                by_word = truth
        form = _form(clause)
        by_form = by_form if form is None else form
    return next((found for found in (by_word, by_truth, by_form) if found is not None), None)


def _clauses(text: str) -> Iterator[str]:
    return (clause for part in _CLAUSE.split(text) if (clause := part.strip(" \t\"'“”*_`()[]{}$\\")))


# What may stand before a yes or no in its clause.
_OPENING = r"""(?:(?:so|but|and|then|therefore|thus|hence|well|oh|ah|uh|hmm|ok|okay|sure|actually|wait|now
    |also|again|i(?:'d|\swould|'ll)?\s(?:say|guess|think|believe)|(?:it|that)(?:'s|\sis)(?:\sa)?
    |is|a|the\sanswer|in\sshort
    |definite|clear|simple|big|final|hell|heck|unfortunately|fortunately|sadly|luckily
    |technically|basically|essentially|generally|in\sfact|indeed)\s)*"""
# It fills its clause, or one of these follows: "No penguin flies" is no such no.
_CLOSING = r"""(?=$|\s(?:it|he|she|they|this|that|there|you|we|i|because|since|indeed|sir|not|of\scourse
    |please|absolutely|definitely|the|a|an|es|il|elle|ella|ele|sie|er|das|eso|c'est|это|они)\b)"""
_SURELY = r"(?:absolutely|definitely|certainly|of\scourse|surely|obviously|clearly)"
_STANDS = (
    r"(?=$|\s(?:it|they|he|she|this|that|there)\s(?:is|are|was|were|does|do|did|can|will|would|has|have)\b"
    r"(?!\snot|n't)|\s(?:yes|true|correct|so)\b|\s(?:is|are|does|do|did|can|will)$)"
)
_NO_DOUBT = re.compile(
    rf"{_OPENING}(?:there(?:'s|\sis)\s)?"
    r"(?:no|without(?:\san?y?)?|beyond(?:\san?y?)?)\s(?:doubt|question|denying)\b",
    re.VERBOSE | re.IGNORECASE,
)
_YES = re.compile(
    rf"""{_OPENING}(?:
      (?:yes|yeah|yep|yup|yea|aye|affirmative)(?:{_CLOSING}|\s)
    | (?:{_SURELY}|indeed|sure|exactly|precisely|totally|undoubtedly|naturally|agreed|very\smuch\sso
      |you\sbet){_STANDS}
    | (?:i\s(?:think|believe|guess|suppose|would\ssay)|i'm\safraid|(?:that|it|this)(?:'s|\sis))\sso$
    | (?:that|this|it)(?:'s|\sis)\s(?:indeed\s)?the\scase\b
    | (?:ja|jawohl|s[ií]|sì|oui|sim|да|так|tak|evet|igen|ναι|ano|kyllä|vâng|نعم|हाँ|हां|כן|ใช่){_CLOSING}
    | 是(?!不|否|吗|嗎) | [对對](?!不) | 正[确確] | [没沒][错錯]
    | はい | ええ | そうです | その通り | 네 | 예(?=$|\s) | 맞 )""",
    re.VERBOSE | re.IGNORECASE,
)
_NO = re.compile(
    rf"""{_OPENING}(?:
      (?:no(?:pe)?|nah|nay|negative)(?:{_CLOSING}|\s(?:no|way|not)\b)
    | (?:{_SURELY}|probably|really|(?:most\s)?likely|i'm\safraid
      |(?:i\s)?(?:think|believe|guess|suppose))\snot\b
    | (?:afraid|i'm\safraid)\snot$ | under\sno\scircumstances
    | never$ | not$ | not\s(?:at\sall|really|quite|so|exactly|the\scase|a\schance|in\sthe\sleast)\b
    | by\sno\smeans | in\sno\sway | far\sfrom\sit | on\sthe\scontrary | i\sdoubt\s(?:it|that)
    | i\s(?:do\snot|don't)\s(?:think|believe)\sso
    | (?:that|it|this)(?:'s|\sis)?(?:\snot|n't)\s(?:so|the\scase)\b
    | (?:nein|nee|nej|nie|non|não|nao|нет|ні|hayır|nem|όχι|ne|ei|không|لا|नहीं|לא|ไม่(?:ใช่)?){_CLOSING}
    | 不 | 否 | [没沒]有 | [并並]非 | [错錯][误誤] | いいえ | いや | [違ち](?:が)?います | 아니 )""",
    re.VERBOSE | re.IGNORECASE,
)


def _word(clause: str) -> bool | None:
    """A yes or no at the beginning of a clause, or where it is all that is said."""
    if _NO_DOUBT.match(clause):
        return True
    # Denials first: "definitely not" begins as "definitely" does.
    return False if _NO.match(clause) else (True if _YES.match(clause) else None)


_ENDS = r"(?=$|\s(?:that|because|since|as|to|about|and|in|for|on|here|too|indeed|given|with)\b)"
_TRUTH = re.compile(
    rf"""\b(?P<true>true|correct|right|accurate|valid|factual|wahr|richtig|korrekt|stimmt|verdader[oa]|verdad
        |ciert[oa]        |vrai|exact|vero|corrett[oa]|верно|правда){_ENDS}
    | \b(?P<false>false|incorrect|wrong|untrue|inaccurate|invalid|mistaken|erroneous
        |an?\s(?:common\s)?(?:myth|misconception|fallacy|lie)|falsch|stimmt\snicht|fals[oa]|faux|fausse
        |incorrect[oa]        |errad[oa]|sbagliat[oa]|неверно|неправда){_ENDS}""",
    re.VERBOSE | re.IGNORECASE,
)
_NEGATION = re.compile(
    r"""\bnot\b(?!\sonly) | n't\b
    | \b(?:never|neither|nothing|hardly|cannot|unable|incapable|nobody|doubt|far\sfrom|anything\sbut
      |nicht|kein\w*|pas|non|não|не|no)\b""",
    re.VERBOSE | re.IGNORECASE,
)
# The word before "true" where that is what the clause says, rather than in "the true north".
_PREDICATE = re.compile(
    r"""(?:^|\b(?:is|are|was|were|be|you're|it's|that's|this's|'s|s|remains|seems|holds|rings|not|n't|never|isn't|wasn't|aren't
    |quite|indeed|absolutely|entirely|completely|definitely|actually|therefore|also|very|totally|partially
    |clearly|simply|just|as|answer|statement|claim|verdict|you|nothing|anything|say|but|so
    |ist|es|est|è|é|nicht|pas|das|ça|eso|это))\s?$""",
    re.VERBOSE | re.IGNORECASE,
)


def _truth(clause: str) -> bool | None:
    """Whether a clause calls something true or false; two negations are none."""
    found = None
    for word in _TRUTH.finditer(clause):
        before = clause[max(0, word.start() - 80) : word.start()]
        if _PREDICATE.search(before):
            found = (word["true"] is not None) ^ (len(_NEGATION.findall(before)) % 2 == 1)
    return found


_VERB = r"(?:is|are|was|were|am|does|do|did|can|could|will|would|has|have|had|should|must)"
_PRONOUN = r"(?:it|they|he|she|that|this|there|you|we|i|these|those|one)"
_ADVERB = r"(?:indeed|certainly|definitely|absolutely|really|actually|simply|surely|clearly|most\scertainly)"
_FORM = re.compile(
    rf"""(?P<unbelieved>i\s(?:do\snot|don't)\s(?:think|believe)\s)?
    (?: (?:i(?:'m|\sam)\s(?:\w+\s)?(?:sure|certain|confident|afraid)
         |i\s(?:think|believe|know|guess|suppose|say)
         |in\sfact|yes|no|and|so|but|because|indeed|that)\s )*
    {_PRONOUN}(?:\s{_ADVERB})?(?:\s{_VERB}|'s|\sca|\swo)(?P<denied>n't|\snot|not)?(?:\s(?:{_ADVERB}|so|at\sall))?$""",
    re.VERBOSE | re.IGNORECASE,
)
_DENIED_FORM = re.compile(
    rf"""(?!(?:i|we|you)\b){_PRONOUN}(?:\s{_VERB}(?:n't|\s(?:\w+ly\s)?not|\sno|\snever)|'s\snot|\scannot|\sca(?:n|nno)'?t|\swon't|\snever)\b
    (?!\s(?:be\s)?(?:doubt|deni|deny|disput|question))(?!\sonly\b)""",
    re.VERBOSE | re.IGNORECASE,
)


def _form(clause: str) -> bool | None:
    """What "it does" and "it isn't" say, and a clause such as "there are no ..."."""
    if found := _FORM.match(clause):
        return bool(found["unbelieved"]) == bool(found["denied"])
    return False if _DENIED_FORM.match(clause) else None


_SENTENCE = re.compile(r"[.!?\n]+(?:\s|$)")
_MOST = 0.5
"""Share of the question's own words from which a sentence restates it."""


def _restated(text: str, question: str) -> bool | None:
    """What the last sentence says that states or denies the question in its own words and their order."""
    asked = _own(question)
    found = None
    for sentence in _SENTENCE.split(text):
        words = [word for word in _own(sentence) if word in asked]
        in_order = words == sorted(words, key=asked.index)
        if in_order and len(words) >= max(2, _MOST * len(asked)) and not _HEDGE.search(sentence):
            found = len(_NEGATION.findall(sentence)) % 2 == len(_NEGATION.findall(question)) % 2
    return found


def _own(text: str) -> list[str]:
    words = (word for word, _, _ in tokens(normal(text)))
    return list(dict.fromkeys(word for word in words if word not in STOP_WORDS and word not in _AUXILIARY))


_AUXILIARY = frozenset(
    """do doe does did can could will would has have had not no true false is there than""".split()  # noqa: SIM905
)
