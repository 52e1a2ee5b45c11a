"""Signature: the words that an architecture test leaves in memory, as simulators write them."""

from __future__ import annotations

from dataclasses import dataclass

from looped.devices.host import Port
from looped.errors import CompileError
from looped.image import Image

__all__ = ["Signature"]

_SYMBOLS = ("begin_signature", "end_signature")
_UNIT = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """The words from the address `begin` up to `end`.

    As text each word is a line of eight hexadecimal digits, which is what Spike writes with
    `+signature-granularity=4`.
    """

    begin: int
    end: int

    @classmethod
    def of(cls, image: Image) -> Signature:
        """The signature of a program, between its symbols `begin_signature` and `end_signature`.

        Raises CompileError if it has none.
        """
        begin, end = (image.symbols.get(name) for name in _SYMBOLS)
        if begin is None or end is None:
            raise CompileError(
                "the program has no signature",
                hint="it is what lies between the symbols begin_signature and end_signature",
            )
        if begin % _UNIT or end % _UNIT or begin > end:
            raise CompileError(f"{begin:#x} to {end:#x} is no signature: it has no whole words")
        return cls(begin, end)

    def text(self, port: Port) -> str:
        """The words in memory, a line each. Raises CompileError if one is outside."""
        lines = []
        for address in range(self.begin, self.end, _UNIT):
            index = port.regions.index(address)
            if index >= port.size:
                raise CompileError(f"the signature has a word at {address:#x}, outside memory")
            lines.append(f"{port.memory(index):08x}\n")
        return "".join(lines)
