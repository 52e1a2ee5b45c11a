"""Experiments on the core: what constructions of the literature do in floating point."""
