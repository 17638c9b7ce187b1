"""From HTML to text."""
