"""A page that shows a run from the inside: words, columns, heads and units, step by step."""
