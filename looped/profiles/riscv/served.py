"""A RISC-V program on the reference, its traps served as in every run."""

from __future__ import annotations

from looped.image import Image
from looped.reference import Rv32i, Rv32im, system_for
from looped.trace import Step

__all__ = ["ServedHart"]


_HARTS: dict[str, type[Rv32i]] = {"rv32i": Rv32i, "rv32im": Rv32im}


class ServedHart:
    """The reference and its system; `hart` may be looked at, and its memory be changed."""

    def __init__(self, image: Image, memory: int, data: bytes) -> None:
        self.hart = _HARTS[image.machine](image.words, image.width, memory, data, image.entry)
        self.system = system_for(image, data)

    @property
    def halted(self) -> bool:
        """Whether the hart has trapped and stays so."""
        return self.hart.halted

    def step(self) -> Step:
        """One instruction, and what is done about its trap."""
        step = self.hart.step()
        if self.system is not None:
            self.system.after(self.hart)
        return step
