"""Exact incremental inference in NumPy: slow, but it needs nothing that takes long to prepare."""

from looped.engines.array.engine import ArrayEngine

__all__ = ["ArrayEngine"]
