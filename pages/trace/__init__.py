"""The page of a trace that somebody was sent a link to."""
