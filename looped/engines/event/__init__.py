"""Exact incremental inference of the same weights: only what changed is evaluated."""

from looped.engines.event.compilation import COMPILE_SECONDS, on_compile
from looped.engines.event.engine import EventEngine

__all__ = ["COMPILE_SECONDS", "EventEngine", "on_compile"]
