"""Words: what a person may name in a program: symbols, words of memory, registers."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fractions import Fraction

from looped.devices.host import ColumnPort
from looped.image import Image
from looped.registry import machine

__all__ = ["Number", "Words"]

Number = int | Fraction
"""A value of an expression: a fraction if a fixed-point number is in it."""


class Words:
    """The words of a program, by the names that people use; values are signed except addresses.

    `fraction` bits of a word of memory follow the binary point.

    An address counts as the machine counts: words on SUBLEQ and FLEQ, bytes on RISC-V.
    """

    def __init__(self, image: Image, port: ColumnPort) -> None:
        self.image = image
        self.port = port
        self.width = image.width
        self.fraction = port.plan.parameters.get("fraction", 0)
        self._machine = machine(image.machine)
        self._cpu = list(port.plan.registers)

    def symbol(self, name: str) -> int | None:
        """The value of a symbol, None if there is no such symbol."""
        return self.image.symbols.get(name)

    def near(self, name: str) -> str | None:
        """A symbol whose name is like this one."""
        found = difflib.get_close_matches(name, list(self.image.symbols), 1)
        return found[0] if found else None

    def label(self, address: int) -> str | None:
        """The last label at or before an address, with the distance: `loop+3`.

        Words beyond the program belong to no label, except that its own one may be there.
        """
        before = [(at, name) for name, at in self.image.labels.items() if 0 <= at <= address]
        at, name = max(before, default=(-1, ""))
        if at == address:
            return name
        inside = before and self.image.index(address) < len(self.image.words)
        return f"{name}+{address - at}" if inside else None

    def at(self, address: int) -> int:
        """The signed word of memory at an address, which wraps around as on the machine."""
        return self.signed(self.port.memory(self.column(address)))

    def column(self, address: int) -> int:
        """The column of the word of memory at an address, which wraps around as on the machine."""
        return self.image.index(address % (1 << self.width)) % self.port.size

    def number_at(self, address: int) -> Number:
        """The number that the word of memory at an address means."""
        word = self.at(address)
        return Fraction(word, 1 << self.fraction) if self.fraction else word

    def encoded(self, number: Number) -> int | None:
        """The unsigned word that means a number, rounded to the nearest; None if none does.

        An integer may be signed or unsigned.
        """
        word, half = round(number * (1 << self.fraction)), 1 << self.width - 1
        most = half if self.fraction else 2 * half
        return word % (2 * half) if -half <= word < most else None

    def number(self, name: str) -> int | None:
        """The number of a register of the file, None if it is none."""
        return self._machine.register_numbers.get(name)

    def register(self, name: str) -> int | None:
        """A register of the file or a word of the CPU, signed; the program counter is unsigned."""
        number = self.number(name)
        if number is not None:
            return self.signed(self.port.register(number))
        spelled = self._spelled()
        return self.port.cpu(spelled[name]) if name in spelled else None

    def register_names(self) -> Sequence[str]:
        """The names of all registers: of the file by number, then of the CPU."""
        by_number: dict[int, str] = {}
        for name, number in self._machine.register_numbers.items():
            by_number.setdefault(number, name)
        return [*by_number.values(), *self._spelled()]

    def signed(self, word: int) -> int:
        """A word of memory as a signed number."""
        return word - (1 << self.width) if word >> self.width - 1 else word

    def can_set(self, name: str, value: int) -> bool:
        """Whether a register exists and holds an unsigned value."""
        if name in self._machine.register_numbers:
            return 0 <= value < 1 << self.width
        word = self._spelled().get(name)
        return word is not None and 0 <= value < 1 << len(self.port.plan.words[word])

    def set_register(self, name: str, value: int) -> None:
        """Change a register that `can_set` accepts; register 0 of the file stays zero."""
        number = self._machine.register_numbers.get(name)
        if number is None:
            self.port.set_cpu(self._spelled()[name], value)
        elif number:
            self.port.set_register(number, value)

    def set_at(self, address: int, value: int) -> None:
        """Change a word of memory to an unsigned value."""
        self.port.set_memory(self.column(address), value)

    def _spelled(self) -> dict[str, str]:
        """The words of the CPU by what people write: blanks are underscores."""
        return {name.replace(" ", "_"): name for name in self._cpu}
