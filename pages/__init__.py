"""Pages of the browser interface."""

from typing import Any

JSON = dict[str, Any]
"""What travels between a page and its script."""

Fact = tuple[str, str | dict[str, str]]
"""A name and what it says: a text, or a moment as {"at": in ISO 8601}, which a page shows in local time."""
