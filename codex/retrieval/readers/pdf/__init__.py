"""From PDF to text."""
