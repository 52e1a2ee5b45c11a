"""Exact incremental inference: the engine evaluates only the columns whose result may change."""

from looped.engines.event.compilation import COMPILE_SECONDS, on_compile
from looped.engines.event.engine import EventEngine

__all__ = ["COMPILE_SECONDS", "EventEngine", "on_compile"]
