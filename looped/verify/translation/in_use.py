"""Validation in use: a lifted engine proves its lift before it runs, if the lift is small."""

from __future__ import annotations

import functools
from collections.abc import Callable

from looped.analysis.model import Model
from looped.engines.engine import Engine
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.lift import Lifted
from looped.verify.translation.claim import STATEMENT
from looped.verify.translation.lifted_pass import WrongLift
from looped.verify.translation.validate import validate

__all__ = ["is_small", "prove_small_lifts"]

_INSTRUCTIONS = 500
"""SUBLEQ of 32 bits has 153. RV32I has 1,700 and FLEQ 5,200: their proofs take 10 seconds of
processor time, longer than most lockstep runs."""
_COLUMNS = 2048
"""SUBLEQ of 16 bits takes 0.9 s with 1,024 words, and 16 s with 32,768."""


def is_small(lifted: Lifted) -> bool:
    """Whether the proof of a lift takes about a second: short code, and few columns."""
    few = len(lifted.behaviour.columns) <= _COLUMNS
    return few and len(lifted.code.instructions) <= _INSTRUCTIONS


def prove_small_lifts(engine: Engine, note: Callable[[str], None] = lambda text: None) -> None:
    """Have an engine prove each small lift that it makes from now on, before the lift runs.

    Only a lifted engine makes any. It then raises WrongLift where a proof fails; `note` gets a line
    about each lift that is not proved because it is not small.
    """
    if isinstance(engine, LiftedEngine):
        engine.programs.check = functools.partial(_prove_if_small, note)


def _prove_if_small(note: Callable[[str], None], model: Model, lifted: Lifted) -> None:
    if not is_small(lifted):
        size = f"{len(lifted.code.instructions):,} instructions"
        note(
            f"the lifted code ({size}) is compared with the reference, but not proved: that would "
            "take longer than a second; see `looped certify --lifted`"
        )
        return
    try:
        validate(model, lifted)
    except WrongLift as wrong:
        raise WrongLift(
            f"it is not shown that {STATEMENT}: {wrong}", hint="verify it with --engine event"
        ) from None
