"""Whether a text denies what it names, or leaves it open between several."""

from __future__ import annotations

import re

WINDOW = 60
"""Characters before and after a mention that are read."""

# "not until 1969" and "not only Paris" name what they mean.
_GAP = (
    r"(?:(?:in|on|at|the|a|an|of|by|from|to|as|for|with|it|was|is|actually|really|exactly|about|called|named)"
    r"\s+)"
)
_DENIED_BEFORE = re.compile(
    rf"""(?:
      \b(?:not|neither|nor|isn't|wasn't|aren't|weren't|ain't|rather\s+than|instead\s+of|unlike|contrary\s+to
        |as\s+opposed\s+to|never|different\s+from|other\s+than|except|everything\s+but|anything\s+but)
        \s+{_GAP}{{0,3}}
      | \b(?:don't|do\s+not|doesn't|does\s+not|didn't|did\s+not|can't|cannot)\s+
        (?:think|believe|suppose|say|mean)\s+(?:that\s+)?(?:(?:it|he|she|this|that)(?:'s|\s+is|\s+was)\s+)?{_GAP}?
      | \b(?:(?:first|initially|originally)\s+(?:thought|guessed|assumed|believed|said)
        |(?:many|most|some)\s+(?:people\s+)?(?:think|believe|assume|guess))
        \s+(?:that\s+)?(?:(?:it|this|that)(?:'s|\s+is|\s+was)\s+)?{_GAP}?
      | \bwithout\s+(?:any\s+)?
      | \bnot\s+(?:to\s+be\s+)?(?:confused|mistaken)\s+(?:with|for)\s+(?:the\s+)?
      | \b(?:nicht|kein|keine|pas|non|no\s+es|não|не)\s+(?:(?:der|die|das|am|le|la|el|à|en|em)\s+)?
    )["'*(]*$""",
    re.VERBOSE | re.IGNORECASE,
)
_KIN = (
    "father|mother|parents?|wife|husband|widow|son|daughter|children|brother|sister|uncle|aunt"
    "|cousin|nephew|niece"
)
# Blanks stand for the possessive ending.
_WRONG_AFTER = re.compile(
    rf"""["'*)]*,?\s*(?:(?:which|that)\s+)?(?:
      (?:is|was|are|were|would\s+be)\s+(?:wrong|incorrect|false|a\s+mistake)\b
      | (?:isn't|wasn't|(?:is|was|would)\s+not)\s+(?:the|correct|right|true|it|one)\b
      | \?\s*(?:no\b|not\b|I\s+(?:don't|do\s+not)\s+think\b)
      | \s{{3}}(?:{_KIN})\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_THOUGHT_BEFORE = re.compile(
    r"\bI\s+(?:had\s+|would\s+have\s+)?(?:thought|guessed|assumed|believed|said)\s+(?:that\s+)?"
    r"(?:(?:it|this|that|he|she)\s+(?:was|is)\s+)?(?:the\s+)?[\"'*(]*$",
    re.IGNORECASE,
)
_BUT_AFTER = re.compile(r"[\"'*).,;]*\s+(?:but|however|actually)\b", re.IGNORECASE)
_PERHAPS = r"(?:maybe|perhaps|possibly)"
_PERHAPS_BEFORE = re.compile(rf"\b{_PERHAPS}\s+(?:it(?:'s|\s+is)\s+)?(?:the\s+)?[\"'*(]*$", re.IGNORECASE)
_THE = r"(?:(?:the|in|on|maybe|perhaps|possibly)\s+)?+(?:it\s+(?:could|might|may)\s+(?:also\s+)?+be\s+)?+"
_OR_AFTER = re.compile(
    rf"""["'*)]*+\s*+(?:,\s*+(?-i:[A-Z])[\w.'-]*+(?:[ ][\w.'-]++){{0,2}}){{0,3}},?\s*+
    (?P<joined>\bor\b|/|\b{_PERHAPS}\b)\s*+{_THE}(?P<other>(?:\w[\w.'-]*+\s*+){{1,3}})""",
    re.VERBOSE | re.IGNORECASE,
)
_OR_BEFORE = re.compile(
    rf"""(?P<other>(?:\w[\w.'-]*+\s*+){{1,3}})["'*)]*+,?\s*+\bor\s+{_THE}["'*(]*+$""", re.IGNORECASE
)
_SAME_THING = re.compile(
    r"\b(?:simply|just|sometimes|more|also|rather|known|called|so|other|others|otherwise|short)\b",
    re.IGNORECASE,
)
_MAY_DENY = re.compile(
    rf"\b(?:{_KIN}|not|without|neither|nor|or|maybe|perhaps|possibly|thought|guessed|assumed|than|of|unlike|to|never|from|wrong|incorrect|false|no|except|but|first|initially|originally|many|most|some|nicht|keine?|pas"
    r"|non|não|не)\b|n't\b|/",
    re.IGNORECASE,
)
SHORT = 60
"""Characters of a text in which "red or blue" are two answers, though no names."""


def may_deny(text: str) -> bool:
    """Whether the text has any word by which it could deny something or leave it open."""
    return _MAY_DENY.search(text) is not None


def denied(text: str, start: int, end: int) -> bool:
    """Whether the text says that what it names at text[start:end] is not so: "not X", "X is wrong"."""
    before = text[max(0, start - WINDOW) : start].replace("’", "'")
    after = text[end : end + WINDOW].replace("’", "'")
    if _THOUGHT_BEFORE.search(before) and _BUT_AFTER.match(after):
        return True
    return _DENIED_BEFORE.search(before) is not None or _WRONG_AFTER.match(after) is not None


def alternatives(text: str, start: int, end: int) -> list[str]:
    """What else the text names to choose from beside text[start:end]: Y of "X or Y".

    Of a long text names alone: "large or small" may stand in it for any reason.
    """
    after = _OR_AFTER.match(text[end : end + WINDOW])
    before = _OR_BEFORE.search(text[max(0, start - WINDOW) : start])
    if after and after["joined"].isalpha() and after["joined"].lower() != "or":
        # "Quito, perhaps the highest capital" is sure of Quito.
        hedged = _PERHAPS_BEFORE.search(text[max(0, start - WINDOW) : start])
        after = after if hedged else None
    named = [found["other"] for found in (after, before) if found and not _SAME_THING.search(found["other"])]
    return [each for each in named if each[0].isupper() or len(text) <= SHORT]
