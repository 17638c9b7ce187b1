"""Sets of questions with accepted answers: those that ship, files that people have, and the hub."""
