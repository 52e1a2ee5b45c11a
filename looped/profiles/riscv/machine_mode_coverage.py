"""What a program does with machine mode, atomic instructions and the timer."""

from __future__ import annotations

from collections.abc import Iterator

from looped.isa.rv32i import Decoded
from looped.isa.rv32ima import CONTROL, REGISTERS
from looped.reference import Rv32ima
from looped.trace import Step

__all__ = ["MACHINE_MODE_CLASSES", "machine_mode_classes"]

_TIMER = 1 << 31 | 7
_CAUSES = (0, 1, 2, 4, 5, 6, 7, 11)
_SYSTEM, _ATOMIC = 0x73, 0x2F

MACHINE_MODE_CLASSES: tuple[str, ...] = (
    *(f"handler for trap {cause}" for cause in _CAUSES),
    "handler for an interrupt",
    "handler for an interrupt, vectored",
    "handler for an atomic access",
    "sc.w succeeds",
    "sc.w fails",
    "control register that does not exist",
    "control register that cannot be written",
    "word of the timer",
    "atomic change of its own word",
)
"""Classes of instructions, beside those of every RISC-V machine."""


def machine_mode_classes(
    hart: Rv32ima, found: Decoded | None, word: int, step: Step
) -> Iterator[str]:
    """The classes of the instruction in a word that a hart has just executed in a step."""
    if hart.entered == _TIMER:
        yield "handler for an interrupt"
        if hart.x[REGISTERS["mtvec"]] & 1:
            yield "handler for an interrupt, vectored"
        return
    if hart.entered in _CAUSES:
        yield f"handler for trap {hart.entered}"
        if word & 0x7F == _ATOMIC and hart.entered > 2:
            yield "handler for an atomic access"
        if hart.entered == 2 and word & 0x7F == _SYSTEM and word >> 12 & 3:
            exists = word >> 20 in CONTROL
            yield f"control register that {'cannot be written' if exists else 'does not exist'}"
    if found is None or hart.entered is not None or step.cause is not None:
        return
    if found.mnemonic == "sc.w":
        yield f"sc.w {'succeeds' if step.writes else 'fails'}"
    if found.mnemonic in ("lw", "sw") and not (step.reads or step.writes):
        yield "word of the timer"
    own = hart.index(step.pc)
    if word & 0x7F == _ATOMIC and any(write.address == own for write in step.writes):
        yield "atomic change of its own word"
