"""Plain interpreters, written from the manuals: what the transformers are held against."""
