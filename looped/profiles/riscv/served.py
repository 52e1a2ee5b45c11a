"""A RISC-V program on the reference, with a system that serves its traps."""

from __future__ import annotations

from looped.image import Image
from looped.reference import Rv32i, riscv_system
from looped.trace import Step

__all__ = ["ServedHart"]


class ServedHart:
    """A hart of class `kind` and its system; callers may read the `hart` and change its memory."""

    def __init__(self, image: Image, memory: int, data: bytes, kind: type[Rv32i] = Rv32i) -> None:
        self.hart = kind(
            image.words, image.width, memory, data, image.entry, **image.regions.parameters
        )
        self.system = riscv_system(image, data)

    @property
    def halted(self) -> bool:
        """Whether the hart has a trap that its system does not serve."""
        return self.hart.halted

    def step(self) -> Step:
        """Execute one instruction, and serve its trap."""
        step = self.hart.step()
        self.system.after(self.hart)
        return step
