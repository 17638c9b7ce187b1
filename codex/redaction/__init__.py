"""What must be neither shown nor kept: secrets and personal data, found in a text and replaced."""

from codex.redaction.personal import cards, emails, personal, phones
from codex.redaction.secrets import masked, secrets
from codex.redaction.spans import Edited, Kind, Span

__all__ = ["Edited", "Kind", "Span", "cards", "emails", "masked", "personal", "phones", "secrets"]
