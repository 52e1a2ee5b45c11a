"""Random circuits, from their text to every engine, against plain integers."""
