"""The machine-independent part of GNU as: text, names, macros."""
