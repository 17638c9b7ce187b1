"""The final part of a model's response: without its reasoning and without what it invents afterwards."""

from __future__ import annotations

import re

_TAGS = "think|thinking|thought|reasoning|reason|scratchpad|seed:think"
_OPENING = rf"<(?:{_TAGS})>|\[THINK\]|◁think▷|<\|begin_of_thought\|>"
_CLOSING = rf"</(?:{_TAGS})>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>"
_REASONING = re.compile(rf"(?P<opening>{_OPENING})|(?P<closing>{_CLOSING})", re.IGNORECASE)
_FINAL_CHANNEL = "<|channel|>final<|message|>"
_CHANNEL = re.compile(r"\s*<\|channel\|>")
_TURN = re.compile(
    r"<\|im_start\|>(?:assistant\b)?|<\|start_header_id\|>assistant<\|end_header_id\|>"
    r"|<\|(?:im_end|end|eot_id|eot|endoftext|end_of_text|return|call|user|assistant|start)\|>"
    r"|<\|begin_of_solution\|>|<\|end_of_solution\|>"
    r"|</?s>|<end_of_turn>|<start_of_turn>(?:model\b)?|<eos>|\[/?INST\]|<｜User｜>|<｜Assistant｜>|<｜end▁of▁sentence｜>"
)
_SPEAKER = re.compile(r"\A\s*(?:assistant|ai|bot|model)\s*:\s*", re.IGNORECASE)
_NUMBERED = r"(?:\s*\#?\d{1,4}[*_]*\s*[:：.)]|[*_]*\s*[:：])"
_NEW_QUESTION = re.compile(
    rf"""
      ^[^\w\n]*(?:(?:next|new|another|follow-?up|sample|example)[ ])?
        (?:question|problem|exercise|q|user|human|instruction|pregunta|pergunta|frage|aufgabe|domanda|vraag
        |вопрос){_NUMBERED}
    | ^[^\w\n]*(?:问题|問題|题目|題目|質問|질문|문제)[ ]?\d{{0,4}}[ ]?[:：]
    | ^[^\w\n]*(?:here[ ]is|here['’]s|now[ ](?:for|try)|let['’]s[ ]try)[ ](?:another|a[ ]new|the[ ]next)
        [ ](?:question|problem|one|example)\b
    | (?<=[\w.!?)\]}}"*])[ \t]+(?-i:Question|QUESTION|Q)(?:[ ]?\d{{1,4}})?:\s
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_VALUE = re.compile(r"^[ \t]*\#{4}[ \t]*[-−+$€£(]{0,3}\d[^\n]*$", re.MULTILINE)
# A bare answer, a question in the next line or as the next sentence, and something after that.
_NEXT_ASKED = re.compile(
    r"\A\s*(?!(?:sure|ok|okay|hi|hello|thanks|hmm|well)\b)"
    r"(?P<answer>(?:(?:the[ ])?answer(?::|[ ]is)[ ])?[-+$€£]?[^\W_][\w.,%-]{0,30}(?:[ ][\w.,%-]{1,30}){0,2})"
    r"(?:[ \t]*\n\s*(?P<asked>[^\n?:]{8,300}\?)[ \t]*\n\s*\S"
    r"|(?<=[\d.])[ \t]+(?P<then_asked>(?-i:What|Which|How|Who|When|Where|Why|If)\b[^\n?:]{8,300}\?)\s+\S)",
    re.IGNORECASE,
)
_SPACES = re.compile(r"\s+")
_REPEATED = 40
"""Characters by which a question is known again."""


def final_part(text: str, question: str = "") -> str:
    """A response without its reasoning, and without a further question that the model invents.

    question: the one that was asked; a response that only repeats it is not cut there. The result is ""
    where the response ends within its reasoning.
    """
    return _before_invented(_SPEAKER.sub("", _first_turn(_spoken(text)), count=1), question).strip()


def _spoken(text: str) -> str:
    """A response without its reasoning."""
    if _FINAL_CHANNEL in text:
        return text.rpartition(_FINAL_CHANNEL)[2]
    kept, since, thinks = [], 0, False
    for tag in _REASONING.finditer(text):
        if tag["opening"] and not thinks:
            kept.append(text[since : tag.start()])
            thinks = True
        elif tag["closing"]:
            # A closing tag alone: the prompt's template has the opening one.
            if not thinks:
                kept.clear()
            thinks, since = False, tag.end()
    if not thinks:
        kept.append(text[since:])
    spoken = "".join(kept)
    return "" if _CHANNEL.match(spoken) else spoken


def _first_turn(text: str) -> str:
    """What stands before the first mark of a chat template that ends a turn."""
    return next((turn for turn in _TURN.split(text) if any(map(str.isalnum, turn))), text)


def _before_invented(text: str, question: str) -> str:
    asked_next = _NEXT_ASKED.match(text)
    if asked_next and not _repeats(asked_next["asked"] or asked_next["then_asked"], question):
        return asked_next["answer"]
    first = next((at for at, sign in enumerate(text) if sign.isalnum()), len(text))
    for invented in _NEW_QUESTION.finditer(text):
        if invented.start() > first and not _repeats(text[invented.end() :][:400], question):
            text = text[: invented.start()]
            break
    value = _VALUE.search(text)
    # After an answer in the form of GSM8K comes no question but that of another problem.
    return text[: value.end()] if value and "?" in text[value.end() :] else text


def _repeats(rest: str, question: str) -> bool:
    asked = _SPACES.sub(" ", question).strip().casefold()[:_REPEATED]
    return bool(asked) and _SPACES.sub(" ", rest).strip(' *_"').casefold().startswith(asked)
