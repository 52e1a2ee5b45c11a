"""Training: schedule, loop, checkpoints, metrics, live view."""

from looped.learn.harness.metrics import Metrics, read_metrics
from looped.learn.harness.runs import require_device, seeded
from looped.learn.harness.schedule import Schedule
from looped.learn.harness.trainer import Job, Plan, train
from looped.learn.harness.view import live

__all__ = [
    "Job",
    "Metrics",
    "Plan",
    "Schedule",
    "live",
    "read_metrics",
    "require_device",
    "seeded",
    "train",
]
