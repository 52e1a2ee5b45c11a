"""Within an instruction, a word of the CPU is the one before the instruction or the one after."""

from __future__ import annotations

import numpy as np
import pytest

from looped.engines.tape import Tape
from looped.errors import Source
from looped.registry import assemble
from looped.verify.expected import Expected
from looped.verify.pairs import early_words, free_lanes
from looped.verify.rows import CpuRows
from tests.conftest import compiled

TEXT = "li a0, 256\namoadd.w a1, a0, (a0)\nnop"
BEFORE, WITHIN, AFTER = 0, 1, 2


class Rows:
    """The CPU before an instruction, in the middle of it, and after it, as a tape."""

    def __init__(self) -> None:
        plan = compiled("rv32ima", 32, 64).plan
        image = assemble(Source("p.s", TEXT), machine="rv32ima")
        self.plan, self.expected = plan, Expected(image, plan, b"")
        self.expected.step()
        self.rest, before = self.expected.rest(), self.expected.cpu
        self.after = self.expected.begin()
        self.words = [before, before, self.after]
        self.early = early_words(plan, before)
        free = np.array(free_lanes(plan), np.intp)
        self.compare = CpuRows(plan, free, self.early)
        signs = [self.expected.x[plan.cpu].copy() for _ in range(2)]
        self.expected.step()
        self.signs = np.array([*signs, self.expected.x[plan.cpu]])

    def put(self, row: int, word: str, number: int) -> None:
        lanes = list(self.plan.words[word])
        self.signs[row, lanes] = [1 if number >> n & 1 else -1 for n in range(len(lanes))]

    def wrong(self) -> tuple[int, str] | None:
        """The row that differs, and where."""
        rows = np.packbits(self.signs > 0, axis=1, bitorder="little")
        place = np.arange(self.plan.d_model)
        none = np.zeros((len(rows), 0), np.int64)
        known = np.zeros(self.plan.d_model, np.bool_)
        tape = Tape(rows, place, known, none, none.astype(np.uint64))
        busy = np.array([False, True, False])
        found = self.compare.first_wrong(tape, 0, self.words, {WITHIN: self.after}, busy, self.rest)
        return found and (found[0], found[1][0])


def test_a_word_may_be_early() -> None:
    rows = Rows()
    assert rows.wrong() is None
    for name in ("time", "retired"):
        assert rows.after[name] != rows.words[BEFORE][name]
        rows.put(WITHIN, name, rows.after[name])
        assert rows.wrong() is None


@pytest.mark.parametrize(
    ("word", "number"),
    [("time", 3), ("compare", 1), ("interrupts", 1), ("entering", 1), ("pc", 12)],
)
@pytest.mark.parametrize("row", [BEFORE, WITHIN, AFTER])
def test_no_other_word_may_be_there(word: str, number: int, row: int) -> None:
    rows = Rows()
    rows.put(row, word, number)
    found = rows.wrong()
    assert found is not None and found[0] == row and f"`{word}" in found[1]


def test_a_word_is_not_half_early() -> None:
    rows = Rows()
    rows.words[AFTER] = rows.after = {**rows.after, "time": 6}
    rows.put(AFTER, "time", 6)
    rows.put(WITHIN, "time", 6)
    assert rows.wrong() is None
    rows.put(WITHIN, "time", 5)
    assert rows.wrong() is not None


def test_only_words_that_no_port_has_may_be_early() -> None:
    assert not set(Rows().early) & {"pc", "trap", "cause"}
    plan = compiled("rv32im", 32, 64).plan
    image = assemble(Source("p.s", "nop"), machine="rv32im")
    assert early_words(plan, Expected(image, plan, b"").cpu) == {}
