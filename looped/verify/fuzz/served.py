"""A RISC-V program on the reference, its traps served as in every run."""

from __future__ import annotations

from looped.devices import host_for
from looped.image import Image
from looped.reference import Rv32i, Rv32im
from looped.trace import Step
from looped.verify.port import ReferencePort

__all__ = ["ServedHart"]


_HARTS: dict[str, type[Rv32i]] = {"rv32i": Rv32i, "rv32im": Rv32im}


class ServedHart:
    """The reference and its host; `hart` may be looked at, and its memory be changed."""

    def __init__(self, image: Image, memory: int, data: bytes) -> None:
        self.hart = _HARTS[image.machine](image.words, image.width, memory, data, image.entry)
        self.host = host_for(image, data)

    @property
    def halted(self) -> bool:
        """Whether the hart has trapped and stays so."""
        return self.hart.halted

    def step(self) -> Step:
        """One instruction, and what the host does about its trap."""
        step = self.hart.step()
        if step.cause is not None and self.host is not None:
            self.host.serve(ReferencePort(self.hart))
        return step
