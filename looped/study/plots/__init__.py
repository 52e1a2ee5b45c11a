"""Pictures of weights and of runs, by matplotlib: SVG, PNG or PDF."""

from looped.study.plots.heads import Activity, activity, draw_heads
from looped.study.plots.memory import History, draw_memory, history
from looped.study.plots.scene import Scene, describe_loop
from looped.study.plots.step import draw_step
from looped.study.plots.weights import draw_weights

__all__ = [
    "Activity",
    "History",
    "Scene",
    "activity",
    "describe_loop",
    "draw_heads",
    "draw_memory",
    "draw_step",
    "draw_weights",
    "history",
]
