"""Random FLEQ programs."""

from __future__ import annotations

from looped.profiles.fleq.coverage import classes, observe
from looped.profiles.fleq.generate import generate
from looped.profiles.fleq.shortened import shortened_reproducers
from looped.profiles.profile import FuzzProfile

__all__ = ["FLEQ_PROFILE"]

FLEQ_PROFILE = FuzzProfile(generate, observe, classes, shortened_reproducers, listing=None)
