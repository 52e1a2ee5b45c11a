"""Printer: turns the numbers that a machine prints into decimal text."""

from __future__ import annotations

import numpy as np

from looped.artefact.embedding import read_word
from looped.artefact.plan import Plan
from looped.engines.engine import Engine
from looped.ports import PrintPort

__all__ = ["Printer", "shortest_decimal"]


class Printer:
    """A device at a PrintPort: a space follows each number, a line end the last one of a line."""

    def __init__(self, port: PrintPort, plan: Plan, engine: Engine) -> None:
        self.plan = plan
        self.engine = engine
        self._number = plan.formats[port.content]
        names = port.when, port.ends_line, port.content
        self._lanes = np.concatenate([np.array(plan.words[name], np.intp) for name in names])

    def text(self, stream: int) -> bytes:
        """What one program prints in a loop, by the words of all its CPU columns, in order."""
        return b"".join(self._column_text(stream, column) for column in self.plan.cpus)

    def _column_text(self, stream: int, column: int) -> bytes:
        bits = self.engine.read(column, self._lanes)[stream] > 0
        prints, ends_line, content = bits[0], bits[1], bits[2:]
        if not prints:
            return b""
        units = self._number.units(int(read_word(content)), len(content))
        text = shortest_decimal(units, self._number.fraction_bits)
        return f"{text}\n".encode() if ends_line else f"{text} ".encode()


def shortest_decimal(units: int, fraction_bits: int) -> str:
    """The decimal text of units / 2^fraction_bits that has the fewest decimals.

    A reader who rounds the text half up to `fraction_bits` gets the number again: he does so for
    all values from half a unit of the last bit below it to just under half a unit above it. Of the
    values in this range that have the fewest decimals, the text is the nearest one; of two that are
    equally near, the upper one.
    """
    below, above, bits = 2 * units - 1, 2 * units + 1, fraction_bits + 1
    decimals, scale = 0, 1
    while _ceiling(below * scale, bits) << bits >= above * scale:
        decimals += 1
        scale *= 10
    nearest = (2 * units * scale + (1 << fraction_bits)) >> bits
    whole, part = divmod(abs(nearest), scale)
    sign = "-" if nearest < 0 else ""
    return f"{sign}{whole}.{part:0{decimals}}" if decimals else f"{sign}{whole}"


def _ceiling(number: int, bits: int) -> int:
    """number / 2^bits, rounded up."""
    return -(-number >> bits)
