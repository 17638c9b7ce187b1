"""Prompts as a model of Transformers reads them: its chat template, then its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codex.engines.control_tokens import neutral
from codex.errors import CapabilityError, InvalidInput
from codex.types import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def render(tokenizer: PreTrainedTokenizerFast, messages: Sequence[Message], model: str) -> str:
    """The text of a prompt, up to where the answer begins.

    model: what the user calls it. Raises CapabilityError for a model without a chat template; InvalidInput
    where the template refuses the messages.
    """
    from jinja2 import TemplateError

    if tokenizer.chat_template is None:
        raise CapabilityError(
            f"{model} has no chat template: it only continues text. "
            "Take an instruct model, or use complete()."
        )
    turns = [{"role": it.role, "content": without_controls(tokenizer, it.content)} for it in messages]
    try:
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    except TemplateError as error:
        raise InvalidInput(
            f"The model's chat template refuses these messages: {error}", ["messages"]
        ) from error


def without_controls(tokenizer: PreTrainedTokenizerFast, text: str) -> str:
    """What people and documents say, with no control token in it."""
    controls = {it.content for it in tokenizer.added_tokens_decoder.values() if it.special}
    controls.update(tokenizer.all_special_tokens)
    return neutral(text, controls)


def encode(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], *, control: bool, opened: bool
) -> list[list[int]]:
    """The tokens of each text; one thread at a time.

    control: read `<|im_end|>` as the control token, not as ten characters; opened: add no BOS.
    """
    backend = tokenizer.backend_tokenizer
    backend.encode_special_tokens = not control
    if len(texts) == 1:
        return [list(backend.encode(texts[0], add_special_tokens=not opened).ids)]
    return [list(each.ids) for each in backend.encode_batch(list(texts), add_special_tokens=not opened)]
