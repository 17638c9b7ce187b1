"""Instructions to the model that are planted in a text: orders in the place of information."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_UNSEEN = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF, 0x00AD, 0x180E, *range(0xFE00, 0xFE10)]
)
"""Characters of no width, which split words."""
_HIDDEN = re.compile("[\U000e0020-\U000e007e]{4}|[\u202a-\u202e\u2066-\u2069]")
"""Tag characters, which no font shows, and overrides of the direction."""
_SAY = (
    r"(?:reply|respond|answer|say|says|print|write|output|repeat"
    r"|antworte|sage?|schreibe?|responde|di|r[ée]ponds|απάντησε)"
)
_MODEL = r"(?:assistants?|AIs?|AI assistants?|chatbots?|language models?|LLMs?|bots?)"
_OLD = (
    r"(?:previous|prior|above|earlier|preceding|former|other"
    r"|bisherigen?|vorherigen?|obigen?|anteriores|προηγούμενες|pr[ée]c[ée]dentes)"
)
_ORDERS = (
    r"(?:instructions?|prompts?|rules|orders|directions|directives?|commands?|guidelines"
    r"|anweisungen|instrucciones|οδηγίες|consignes)"
)
_WORD = (
    r"(?:\s{0,3}[:=]\s{0,3}\S"
    r"|\s+(?:with\s+|mit\s+)?(?:the\s+|that\s+|dem\s+|das\s+|la\s+|le\s+)?(?:single\s+|one\s+)?"
    r"(?:word|wort|palabra|mot)\b"
    r"|\s+(?:with\s+)?[\"'“]?(?-i:[A-ZÄÖÜ]{4,})\b)"
)


@dataclass(frozen=True, slots=True)
class _Sign:
    """What gives orders away."""

    why: str
    hints: tuple[str, ...]
    """In small letters; without one of them the pattern, which is slow, is not tried."""
    pattern: re.Pattern[str]


def _sign(why: str, hints: str, *patterns: str) -> _Sign:
    return _Sign(why, tuple(hints.split("|")), re.compile("|".join(patterns), re.IGNORECASE))


_SIGNS = (
    _sign(
        "it takes other instructions back",
        "ignor|disregard|forget|override|vergiss|olvida|oublie|αγνόησε|ξέχνα|have changed|no longer|new "
        "|this point on",
        r"\b(?:ignore|disregard|forget|override|vergiss|ignoriere|ignora|olvida|oublie|αγνόησε|ξέχνα)\s+"
        rf"(?:(?:all|any|every|alle|todas|όλες|toutes|the|las|les|τις|your|die"
        rf"|of)\s+){{0,3}}{_OLD}\s+{_ORDERS}",
        r"\b(?:ignore|ignora|ignoriere|αγνόησε)\s+(?:the|this|la|die|την)\s+(?:user'?s\s+)?"
        r"(?:question|user|pregunta|frage|ερώτηση)(?:\.|\s+and|,|\s+y|\s+und|\s+και)",
        r"\b(?:ignore|disregard|forget)\s+(?:all\s+|the\s+)?(?:of\s+the\s+)?(?:above|everything)\s+"
        r"(?:and|above|before|you|said|text)\b",
        r"\b(?:ignore|disregard)\s+(?:the|this|what the)\s+(?:user|reader)(?:'s)?\s+"
        r"(?:query|question|request|message|asks|wants|said)\b",
        r"\b(?:the rules have changed|user no longer (?:needs|wants) this)",
        r"\b(?:new (?:task|instructions?|directives?|orders?|system prompt)\s?:|your new (?:instructions?"
        r"|task|"
        r"directives?|orders|goal|role)\b)",
        r"\b(?:comply with|obey|follow) (?:every|all|any) requests?\b",
    ),
    _sign(
        "it dictates an answer",
        "exactly|asked|output|only|just|nur|solamente|sólo|solo|seulement|μόνο|word|every|each|any|all"
        "|your|next answer|always"
        "|in this way|decode",
        rf"\b{_SAY}\s+(?:it\s+)?(?:only|just|nur|solamente|s[oó]lo|seulement|μόνο){_WORD}",
        rf"\b{_SAY}\s+(?:only\s+)?(?:the|with the|with that)\s+(?:single\s+|one\s+)?word\b(?!\s+aloud)",
        r"\b(?:answer|reply to|respond to)\s+(?:every|each|any|all)\s+questions?\b.{0,30}\bwith\b",
        r"\byour (?:whole |next |only )?(?:answer|reply) (?:is|must be)\b|\bthe next answer is\b",
        rf"\b{_SAY}(?:\s+with)?\s+exactly\b|\b(?:output|print|return) the (?:string|phrase|text|token)\b",
        r"\bthe (?:correct|only|right|best) (?:response|answer|reply) to (?:any|every|all|each) "
        r"(?:questions?|quer(?:y|ies)|prompts?|requests?)\b",
        rf"\bwhen(?:ever)? (?:you are )?asked\b[^.]{{0,60}},? (?:always|never|you must|you should) {_SAY}\b",
        r"\b(?:append|add|include|insert|mention|put|render|place|use)\b[^.]{0,60}\b(?:in|to|into) your "
        r"(?:response|output|reply|answer)\b",
        r"\b(?:respond|reply|answer) (?:exclusively|only|always) in\b(?=[^.]{0,20}(?-i:[A-Z]))",
        r"\balways give this answer\b|\bgo on in this way\b",
        r"\b(?:end|begin|start|finish) (?:your|every|each) (?:answer|reply) with"
        r" (?:this|the (?:link|image|word))\b",
        r"\bevery answer (?:about \w+ )?must (?:end|begin|start) with\b",
        r"\bbegins every answer with\b|\bas the answer to every\b",
        r"\bdecode this .{0,20}\band do what it says\b",
        rf"(?:\b{_SAY}\b[^.]{{1,40}}\.\s{{0,3}}){{5}}",
    ),
    _sign(
        "it addresses the model",
        "assistant|ai|bot|llm|language model|your answer|your reply|user|you answer|prompt|instructions"
        "|instead",
        r"\b(?:note|notes|rules?|instructions?|message|notice|order) (?:to|for) (?:the |all |any |every )?"
        rf"{_MODEL}\b",
        rf"\bthe {_MODEL} (?:has|have|is|are) to (?:state|say|answer|reply|name|recommend|write)\b",
        rf"(?:^|[.!?>])\s{{0,3}}{_MODEL}\s?[,:]\s?(?:run|ignore|say|print|answer|reply|you|do)\b",
        rf"<!--\s{{0,3}}{_MODEL}\s?:|\bassistant\.(?:reply|say|answer)\(",
        r"\b(?:recommend|mention|name|praise)\b[^.]{0,40}\bin your (?:answer|reply)\b",
        r"\btell the user that\b[^.]{0,60}\byou (?:are|can|may)(?:not| not)\b",
        rf"\b(?:attention|dear|hey|hello|listen),? (?:all |any )?{_MODEL}\b",
        r"\b(?:if|as|since) (?:you are )?an? (?:AI|LLM|chatbot|(?:AI |large )?language model|AI (?:model"
        r"|assistant))\b"
        r"[^.]{0,60}\b(?:you|include|say|add|must|do|please)\b",
        r"\b(?:for|to) (?:the )?(?:reviewers?'?|readers?'?|users?'?) (?:AI|LLM|assistant|model)s?\b",
        rf"\bthe {_MODEL} (?:will|must|shall|should) (?:now |always |only |never )?"
        r"(?:respond|reply|answer|say|state|act|obey|refuse|recommend|include|write)\b",
        rf"<!--\s{{0,3}}{_MODEL}\b|(?:^|\n)[ \t]{{0,3}}{_MODEL}\s?: ?(?:append|add|include|send|always"
        rf"|never)\b",
        r"\b(?:reveal|show|print|output|repeat|leak|translate|disclose|tell me|copy)\b[^.]{0,30}\b"
        r"(?:system prompt|initial instructions|preceding prompt|prompt above|your (?:instructions|prompt"
        r"|rules))\b",
        r"\b(?:send|redirect|direct|refer) the user to\b|\bforward (?:the|this) (?:conversation|chat"
        r"|question)\b",
        r"\bbefore you answer, (?:print|say|write|repeat|show|reveal)\b",
        r"\bprint the (?:text|prompt|instructions?) above\b",
        r"\binstead, (?:write|say|print|answer|tell)\b",
    ),
    _sign(
        "it gives the model another role",
        "you are |your role|developer mode|lifted|pretend|act as|unrestricted|never refuses",
        r"\byou are now (?!leaving|able|in\b|at\b|here|on\b|ready)[\w ]{1,40}, an? \w",
        r"\bstay in your role\b|\bdeveloper mode is (?:now )?on\b",
        rf"\bthe (?:limits|rules|restrictions) of the {_MODEL} (?:are|were) lifted\b",
        r"\byou are (?:an? )?(?:unrestricted|uncensored|jailbroken|free of|no longer (?:an?|bound))\b",
        r"\bact as (?-i:[A-Z]{2,})\b|\bnever refuses\b",
        r"\bpretend (?:to be|that you are|you are)\b",
    ),
    _sign(
        "it forges a part of the prompt",
        '<|[|"role"|##|passages end|system|human:|user:',
        r"<\|[a-z_]{2,20}\|>|\[/?INST\]|<</?SYS>>|</?(?:passage|context|system|document)s?>",
        r"\"role\"\s?:\s?\"(?:system|assistant|developer)\"",
        r"(?:^|\n)[ \t]{0,3}#{2,4} {0,3}(?:question|answer|instructions?|system|response)[ \t]{0,3}(?:\n|\Z)",
        r"\bthe passages end here\b|\bsystem (?:override|message)\b\W{0,5}(?:\]|#|:)",
        r"(?:^|\n)[ \t]{0,3}(?:human|user) ?:[^\n]{0,200}\n{1,2}[ \t]{0,3}(?:assistant|ai) ?:",
        rf"(?:^|\n)[ \t]{{0,3}}system ?: ?(?:the rules|you\b|ignore|{_SAY}\b)",
    ),
)


_ORDER = re.compile(
    r"(?:^|[,;:>]\s|\b(?:so|and|then|but|instead|please|now)\s)\s{0,3}"
    r"(?:(?:please|kindly|now|then|also|instead|only|just|simply|so|and|always|never|do not|don't"
    r"|bitte)[ ,]{1,2}){0,3}"
    r"(?:say|write|output|print|reply|respond|answer|ignore|forget|disregard|override|reveal|repeat"
    r"|include|recommend"
    r"|report|list|tell|compose|state|end|begin|switch|obey|leave out|give|believe|consider|pretend|act"
    r"|praise|add"
    r"|append|claim|deny|refuse|insert|mention|translate|summari[sz]e|follow|execute|run|call|send"
    r"|confirm|agree"
    r"|gib|sage?|antworte|schreibe?|vergiss|ignoriere|di|ignora|olvida|responde|dis|oublie|r[ée]ponds)\b",
    re.IGNORECASE,
)
"""A verb in the imperative, of what a model can be told to do."""
_ABOUT_MODEL = re.compile(
    r"\b(?:(?-i:AIs?|LLMs?|KI|IA)|chatbots?|language models?|assistant|assistent|asistente"
    r"|system ?prompts?|sistema"
    r"|(?:hidden|initial|original|your) prompt|the user|everyone who asks|conversation so far"
    r"|your (?:only |new |next |final )?(?:answers?|repl(?:y|ies)|responses?|outputs?|instructions|task"
    r"|job|configuration"
    r"|guidelines|programming|training)|(?:every|each|all) (?:repl(?:y|ies)|responses?)|no restrictions"
    r"|(?:other|previous|preceding|honest) passages?)\b",
    re.IGNORECASE,
)
"""Words of who is told, or of what it works with."""
_READER = re.compile(
    r"\b(?:model|AI|assistant|LLM|bot|chatbot)s? (?:that (?:is|are) |which (?:is|are) )?"
    r"(?:answering|reading|summari[sz]ing|processing|reviewing|evaluating) this\b"
    r"|\b(?:AI|assistant|LLM|chatbot),[^.]{0,40}\byou\b|(?:^|\n)\s{0,3}system ?>|\"instructions?\"\s?:\s?\"",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def planted(text: str) -> str:
    """Why a text looks as if it gave orders to the model; "" where it does not."""
    if _HIDDEN.search(text):
        return "it holds text that nobody sees"
    seen = unicodedata.normalize("NFKC", text.translate(_UNSEEN))
    low = seen.lower()
    for sign in _SIGNS:
        if any(hint in low for hint in sign.hints) and sign.pattern.search(seen):
            return sign.why
    if _READER.search(seen) or _ordered(_SENTENCE.split(seen)):
        return "it addresses the model"
    return ""


def _ordered(sentences: Sequence[str]) -> bool:
    """Whether an order stands in a sentence about the model, or beside one."""
    about = [bool(_ABOUT_MODEL.search(sentence)) for sentence in sentences]
    return any(
        any(about[max(0, at - 1) : at + 2]) and _ORDER.search(sentence) is not None
        for at, sentence in enumerate(sentences)
    )
