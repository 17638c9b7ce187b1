"""Whether an answer is what its JSON schema says: servers take one, and some do not hold to it."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from codex.errors import ModelError


def checked(text: str, schema: str) -> None:
    """Raises ModelError where the text is no JSON of the schema, which is JSON itself."""
    try:
        told = json.loads(text)
    except ValueError as error:
        raise _broken(f"the answer is not JSON ({error})") from None
    wrong = best_match(Draft202012Validator(json.loads(schema)).iter_errors(told))
    if wrong is not None:
        raise _broken(f"{wrong.json_path} does not match it")


def _broken(how: str) -> ModelError:
    return ModelError(
        f"The server took a JSON schema and did not hold to it: {how}. Ask again, use another server, or "
        "engine=llama_cpp."
    )
