"""The page that describes the HTTP interface."""
