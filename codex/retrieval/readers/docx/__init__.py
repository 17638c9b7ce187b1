"""From DOCX to text."""
