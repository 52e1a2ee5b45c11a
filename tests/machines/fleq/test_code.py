"""Baked FLEQ programs: what is code, what changes, what is read as data, what is refused."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from looped import api
from looped.errors import CompileError, Source
from looped.image import Image
from looped.isa.fleq import Operation, Selector, decode, encode
from looped.machines.fleq.code import FleqCode, explore
from looped.reference.fleq import Fleq
from looped.trace import Step
from tests.machines.fleq.stepping import Setting, program
from tests.programs.fleq import assemble
from tests.programs.headers import fleq_programs
from tests.seeds import rng

MEMORY, SIDE = 64, 2
ADD, COPY, PRINT = (encode(Operation(name)) for name in ("add", "copy", "print"))
JUMP = encode(Operation("copy", judge=True))
SQUARE = Operation("copy", (Selector.I, Selector.J), rows=2, cols=2)


class Watched(Fleq):
    """The reference, which holds what it fetches and reads against the code that was found."""

    code: FleqCode
    moved = began = 0

    def step(self) -> Step:
        self.began = self.pc
        return super().step()

    def _fetch(self, address: int) -> int:
        word, place = super()._fetch(address), address % len(self.memory)
        known = self.code.instructions.get(self.began)
        if known is None:
            assert decode(word) is None, f"{self.began} is reached"
        elif place in self.code.changing:
            self.moved += word != known[address - self.began]
        else:
            assert word == known[address - self.began], f"{place} changes"
        return word

    def _read(self, address: int) -> int:
        assert address % len(self.memory) not in self.code.addresses, f"{address} is read"
        return super()._read(address)


def watch(image: Image, memory: int, side: int, steps: int, workers: int = 1) -> Watched:
    """Some steps of a program, as long as it can be baked. Raises CompileError if it cannot."""
    machine = Watched(
        image.words, image.width, memory, entry=image.entry, side=side, workers=workers
    )
    machine.code = explore(image, memory, side)
    for _ in range(steps):
        if machine.halted:
            break
        machine.step()
    return machine


def raw(words: Sequence[int], at: Mapping[int, int] = {}, entry: int = 0) -> Image:
    """An image of these words, and of some at other places."""
    memory = [*words, *[0] * (MEMORY - len(words))]
    for address, word in at.items():
        memory[address] = word
    return Image("fleq", 32, tuple(w % (1 << 32) for w in memory), {"fleq.side": SIDE}, (), entry)


def code_of(words: Sequence[int], at: Mapping[int, int] = {}, entry: int = 0) -> FleqCode:
    return explore(raw(words, at, entry), MEMORY, SIDE)


def wandering(chance: random.Random) -> Image:
    """Random instructions; some move words of others or branch back, some copy onto themselves."""
    words = program(chance, Setting(SIDE, MEMORY), length=5)
    data = [31, 32, 40, 41, 50, 60, 62]
    for at in range(0, 30, 6):
        words[at + 3] = chance.choice([*data, *data, chance.randrange(MEMORY)])
        words[at + 4] = chance.choice([*data, chance.randrange(MEMORY)])
        if chance.random() < 0.3:
            words[at + 5] = chance.choice(
                [chance.randrange(30), 6 * chance.randrange(5), -1 % (1 << 32)]
            )
        kind = chance.random()
        if kind < 0.4:
            moved = 6 * chance.randrange(5) + chance.choice([1, 1, 2, 4])
            words[at : at + 4] = [ADD | chance.getrandbits(1) << 25, moved, 40, moved]
        elif kind < 0.6:
            words[at : at + 2] = [chance.choice([JUMP, COPY]), words[at + 3]]
    words[40] = chance.choice([1, 2, 6, 30])
    return Image("fleq", 32, tuple(words), {"fleq.side": SIDE}, (), 6 * chance.randrange(2))


def test_what_runs_is_what_was_found() -> None:
    """Every program counter, every constant word, and no word is read that memory lacks."""
    baked = moved = 0
    for seed in range(1000):
        image = wandering(rng(seed))
        try:
            found = watch(image, MEMORY, SIDE, 40, workers=1 << seed % 3)
        except CompileError:
            continue
        baked, moved = baked + 1, moved + (found.moved > 0)
    assert baked > 500 and moved > 200


PROGRAMS = [p.path for p in fleq_programs() if p.path.stem != "gram_schmidt"]


@pytest.mark.parametrize("path", PROGRAMS, ids=[path.stem for path in PROGRAMS])
def test_programs_run_as_they_were_found(path: Path) -> None:
    watch(api.assemble(path), 2048, 8, 300, workers=64)


def test_a_constant_flag_decides() -> None:
    """What follows a `jmp` or a `halt` is data; a branch that cannot be taken leads nowhere."""
    jump = [JUMP, 63, 0, 63, 63, 12]
    assert set(code_of([*jump, 1, 1, 1, 1, 1, 1, *jump[:5], -1]).instructions) == {0, 12}
    never = [*jump[:4], 62, 30]
    assert set(code_of(never, {62: 1}).instructions) == {0}
    assert set(code_of([*never, *jump[:5], -1], {62: 1, 30: COPY}).instructions) == {0, 6}


def test_a_flag_that_changes_does_not_decide() -> None:
    """Neither one that an instruction stores to, however late, nor one whose address moves."""
    first, halt = [JUMP, 63, 0, 63, 62, 30], [JUMP, 63, 0, 63, 63, -1]
    stores = [COPY, 61, 0, 62, 0, 0]
    moves = [ADD, 4, 61, 4, 0, 0]
    for change in (stores, moves):
        found = code_of([*first, *change, *halt], {62: 1, 30: COPY, 31: 50, 33: 51})
        assert 30 in found.instructions


def test_a_copy_onto_itself_changes_an_instruction_once_its_pointer_moves() -> None:
    own = [COPY, 7, 0, 7, 0, 0]
    assert code_of([*own, JUMP, 63, 0, 63, 63, -1]).changing == frozenset()
    moved = [*own, ADD, 1, 62, 1, 0, 0, JUMP, 63, 0, 63, 63, -1]
    assert code_of(moved).changing == {1, 7}


def test_code_that_is_read_stays_in_memory() -> None:
    halt = [JUMP, 63, 0, 63, 63, -1]
    found = code_of([PRINT, 2, 0, 0, 0, 0, *halt])
    assert 2 not in found.addresses and {0, 1, *range(3, 12)} == set(found.addresses)


def test_all_code_stays_in_memory_if_a_pointer_reads() -> None:
    found = code_of([COPY, 40, 0, 50, 0, 0, ADD, 1, 62, 1, 0, 0, JUMP, 63, 0, 63, 63, -1])
    assert found.changing == {1} and found.addresses == frozenset()
    assert found.in_memory(1) == {0: 1} and set(found.constant(1, 6)) == {6, 12}


def test_an_instruction_around_the_end_of_memory_is_found() -> None:
    """Its last words are the first of memory, and behind it the machine halts."""
    found = code_of([40, 0, 0], {61: PRINT, 62: 40, 63: 0}, entry=61)
    assert found.instructions == {61: (PRINT, 40, 0, 40, 0, 0)}
    assert found.addresses == {61, 62, 63, 0, 1, 2}


def test_instructions_within_instructions_are_found() -> None:
    into = [JUMP, 63, 0, 63, 63, 7]
    found = code_of([*into, COPY, COPY, 50, 51, 52, 0, 0])
    assert set(found.instructions) >= {0, 7} and found.instructions[7][1] == 50


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([encode(SQUARE), 40, 0, 62, 0, 0], "the word that says what it computes"),  # around
        ([COPY, 40, 0, 3, 0, 0], "the address of its result"),
        ([JUMP, 40, 0, 5, 63, 0], "the target of its branch"),
        ([COPY, 40, 0, 6, 0, 0], "the word that says what it computes"),  # of what traps
    ],
)
def test_what_would_change_an_instruction_is_refused(words: list[int], what: str) -> None:
    with pytest.raises(CompileError, match=f"may write to the instruction at .*, to {what}"):
        code_of(words)


def test_an_error_names_both_lines() -> None:
    text = """.machine fleq
        copy 1 -> X[*]
        next X
        halt
.zeros X 2x2
"""
    with pytest.raises(CompileError) as caught:
        explore(assemble(Source("p.fleq", text)), MEMORY, 8)
    assert caught.value.render() == (
        "error: the instruction at address 6 (p.fleq:3) may write to the instruction at address 0 "
        "(p.fleq:2), to the address of its result: a baked program can only move what its "
        "instructions read\n"
        "hint: run it on the universal machine: leave out --bake"
    )
