"""The fuzz profile of a RISC-V machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from looped.isa.rv32i import Encoding
from looped.isa.rv32i_text import disassemble
from looped.profiles.profile import FuzzProfile
from looped.profiles.riscv.coverage import classes, observe
from looped.profiles.riscv.generate import Writer, generate
from looped.profiles.riscv.shortened import shortened_reproducers
from looped.reference import Rv32i

__all__ = ["riscv_profile"]


def riscv_profile(
    name: str,
    kind: type[Rv32i],
    instructions: Mapping[str, Encoding],
    writer: type[Writer] = Writer,
) -> FuzzProfile:
    """Random programs for the machine `name` with these instructions and this kind of hart."""

    def listing(words: tuple[int, ...]) -> Iterator[tuple[str, str]]:
        for place, word in enumerate(words):
            text = disassemble(word, 4 * place, instructions)
            yield f".word {word:#010x}", f"{4 * place:#x}: {text}"

    return FuzzProfile(
        partial(generate, machine=name, kind=kind, instructions=instructions, writer=writer),
        partial(observe, kind=kind, instructions=instructions),
        partial(classes, instructions=instructions),
        partial(shortened_reproducers, kind=kind),
        listing,
    )
