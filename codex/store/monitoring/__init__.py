"""What the answers were like, by hour, and the alerts."""
