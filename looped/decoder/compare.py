"""Comparison: the tokens of a run against those of the reference, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from looped.decoder.records import record_of
from looped.decoder.vocabulary import Vocabulary
from looped.errors import MismatchError

if TYPE_CHECKING:
    from looped.reference import Reference

__all__ = ["Comparison"]


class Comparison:
    """The reference executes a program along with the model.

    It takes its input from `source`, and `answer` gives the model the same word. With a window,
    a refresh follows each record that does not halt.
    """

    def __init__(self, vocabulary: Vocabulary, reference: Reference, source: Iterator[int]) -> None:
        self.vocabulary, self.reference, self.source = vocabulary, reference, source
        self.tokens, self.records = 0, 0
        self.consumed = 0
        self.due = self._due()

    def _due(self) -> Iterator[int]:
        reference, spec, address = self.reference, self.vocabulary.spec, 0
        while not reference.halted:
            if reference.takes_input():
                reference.data += bytes(
                    byte for byte in [next(self.source, None)] if byte is not None
                )
            step = reference.step()
            self.consumed = step.consumed or 0
            self.records += 1
            yield from self.vocabulary.record(record_of(step, reference.width))
            address = (address + 1) % spec.memory
            if spec.window is not None and not reference.halted:
                yield from self.vocabulary.refresh(address, reference.memory[address])

    def answer(self) -> int:
        """The word that the last instruction of the reference took from the input."""
        return self.consumed

    def check(self, token: int) -> None:
        """Compare the next token of a run. Raises MismatchError, or CompileError if the program
        counter leaves the numbers that the model has."""
        due = next(self.due, None)
        if due != token:
            name = self.vocabulary.name
            wanted = "no more tokens" if due is None else f"`{name(due).strip()}`"
            raise MismatchError(
                f"token {self.tokens + 1} of the run is `{name(token).strip()}`, "
                f"and the reference has {wanted} in instruction {self.records}"
            )
        self.tokens += 1
