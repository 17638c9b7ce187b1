"""Pages of the browser interface."""

from typing import Any

JSON = dict[str, Any]
"""What travels between a page and its script."""
