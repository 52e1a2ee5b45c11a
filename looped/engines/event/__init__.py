"""Exact incremental inference of the same weights: only what changed is evaluated."""

from looped.engines.event.engine import EventEngine

__all__ = ["EventEngine"]
