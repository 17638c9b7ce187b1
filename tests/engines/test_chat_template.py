"""A chat template that does not end, or takes all memory, is refused before it is used."""

from __future__ import annotations

import pytest

from codex.engines import chat_template
from codex.engines.chat_template import check_template
from codex.errors import ModelError
from tests.support.tiny_llama import TEMPLATE

LOOPS = "{% for a in range(99999) %}{% for b in range(99999) %}{{ a * b }}{% endfor %}{% endfor %}"
GROWS = "{{ ('a' * 2000000000) | length }}"


@pytest.mark.parametrize(
    "template",
    [
        TEMPLATE,
        "{{ messages[0]['no such key'].at }}",
        "{{ raise_exception('Only user and assistant.') }}",
        "{% this is no template",
        "{{ ''.__class__.__mro__ }}",
    ],
)
def test_one_that_ends_is_used_whatever_it_says(template: str) -> None:
    check_template(template, "a model")


@pytest.mark.parametrize(
    "template",
    [
        LOOPS,
        GROWS,
        "{{ strftime_now('%Y') }}{% generation %}" + LOOPS + "{% endgeneration %}",
        "{% if messages %}" + GROWS + "{% endif %}",
    ],
)
def test_one_that_takes_too_much_is_refused(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_template, "SECONDS", 1)
    with pytest.raises(ModelError, match="The chat template of a model takes more than 1 seconds"):
        check_template(template, "a model")
