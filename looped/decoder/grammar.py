"""Text: the statements that the form of the text adds to those of a circuit.

What is gathered, where a cell of the prompt belongs, and which token is due.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import add, select
from looped.circuit.circuit import Define, Read, Register
from looped.circuit.signals import gated, literal, value
from looped.circuit.words import Word, bit
from looped.decoder.spec import COLUMN_BITS, Spec
from looped.precision import FLOAT32

__all__ = ["NOWHERE", "Text", "TextStatements"]

NOWHERE = "the text"
"""The place of statements that no machine description contains."""


@dataclass(frozen=True, slots=True)
class TextStatements:
    """Statements of the text: `registers` are the lanes that the embedding sets, `gathers` are
    reads without an address, `kept` are words that keys and values need. In a window `refreshed`
    is the address of a refresh, and `refresh` the word there."""

    registers: tuple[Register, ...]
    gathers: tuple[Read, ...]
    defines: tuple[Define, ...]
    kept: tuple[Word, ...]
    refreshed: Word | None
    refresh: Word | None


class Text:
    """The words of the text of a machine: the latest address and value, and what a token is."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.address = Word.of("address", spec.address_bits)
        self.value = Word.of("value", spec.width)
        self.oldest = Word.of("oldest", spec.address_bits)

    def statements(self, pc: Word, taken: Word, when: Word) -> TextStatements:
        """The statements, for a program counter and for the bits that say that an instruction
        takes input or has output."""
        window = self.spec.window is not None
        flags = {name: Word.of(name, 1) for name in ("image", "is_b", "is_p", "is_r", "refreshes")}
        column = Word.of("column", COLUMN_BITS)
        counter = Word(pc.name, pc.lanes[: self.spec.counter_lanes])
        gathers = [_gather(word) for word in (self.address, self.value, counter)]
        addressed, ended = bit(flags["is_b"][0]), bit(flags["is_p"][0])
        if window:
            addressed, ended = addressed - bit(flags["is_r"][0]), bit(flags["refreshes"][0])
        low = self.address[:COLUMN_BITS]  # the line of a cell of the prompt is a multiple of eight
        cell, image = Word.of("cell address", COLUMN_BITS), literal(flags["image"])
        defines = [
            Define(cell.name, cell, select(image, column, low, len(low)), NOWHERE),
            Define("due_ask", Word.of("due_ask", 1), gated(literal(taken), addressed), NOWHERE),
            Define("due_out", Word.of("due_out", 1), gated(literal(when), ended), NOWHERE),
        ]
        after, word = Word.of("oldest+1", self.spec.address_bits), None
        if window:
            word = Word.of("word", self.spec.width)
            gathers += [_gather(self.oldest), Read("word", self.oldest, 0, None, word, NOWHERE)]
            following = add(self.oldest, 1, _never, FLOAT32.slice_bits)
            defines.append(Define(after.name, after, value(following, len(after)), NOWHERE))
        return TextStatements(
            tuple(Register(w.name, w, None, NOWHERE) for w in (*flags.values(), column)),
            tuple(gathers), tuple(defines), (self.address[COLUMN_BITS:], cell, self.value),
            after if window else None, word,
        )  # fmt: skip


def _gather(word: Word) -> Read:
    return Read(word.name, Word("", ()), 0, None, word, NOWHERE)


def _never(name: str, content: object) -> Word:
    raise AssertionError(f"an address of one slice has no carry `{name}`")
