"""What users, files and systems do wrong, as tables by area, and what they are told."""
