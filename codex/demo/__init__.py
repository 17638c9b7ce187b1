"""What the demo shows: four questions, the documents they are asked over, and recordings of the answers."""
