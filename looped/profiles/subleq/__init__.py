"""Random SUBLEQ programs."""
