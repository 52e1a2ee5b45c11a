"""Experiments: looking into a machine, changing it, and constructions of the literature."""

from looped.study.cache import PlanCache, run_with_cache
from looped.study.interventions import ablate, noise, patch
from looped.study.parts import Group, Head, Part, parts

__all__ = [
    "Group",
    "Head",
    "Part",
    "PlanCache",
    "ablate",
    "noise",
    "parts",
    "patch",
    "run_with_cache",
]
