"""Agreement of the transformer with the reference, shown."""
