"""Machine code from weights: thresholds become comparisons, runs of lanes become words."""

from looped.engines.lifted.engine import LiftedEngine

__all__ = ["LiftedEngine"]
