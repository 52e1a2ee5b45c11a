"""Noise in the weights of a compiled machine, and its weights in another basis."""
