"""The language of GNU as, as far as it does not depend on the machine: text, names, macros."""
