"""Wanted: what the options of a command ask of a machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from looped import api
from looped.artefact.architecture import PLAIN, Architecture
from looped.artefact.plan import CompiledMachine
from looped.image import Image

__all__ = ["Wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options ask of a machine; None where the program or the usual decides.

    `parameters` are (name, value); `workers` is their number; `beta` is an inverse temperature.
    """

    machine: str | None = None
    width: int | None = None
    memory: int | None = None
    parameters: tuple[tuple[str, int], ...] = ()
    workers: int | None = None
    architecture: Architecture = PLAIN
    beta: float | None = None

    def counted(self, machine: CompiledMachine) -> CompiledMachine:
        """A machine with that many workers. Raises CompileError if it cannot have them."""
        return machine if self.workers is None else machine.with_workers(self.workers)

    def compiled(self, image: Image, memory: int | None, **rest: Any) -> CompiledMachine:
        """`api.compile` in this architecture."""
        given = {"beta": self.beta, "architecture": self.architecture, **rest}
        return api.compile(image, memory, **given)
