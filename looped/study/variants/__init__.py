"""Which transformers host the machine, and what that costs: the table, and four curves."""
