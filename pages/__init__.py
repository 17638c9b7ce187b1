"""Pages of the browser interface."""
