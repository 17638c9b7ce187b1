"""What the answers are like while people use them: rollups, alerts, and whether a guarantee still holds."""
