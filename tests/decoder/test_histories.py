"""After every token of a text, the model predicts what the reference would do, by a wide margin."""

from __future__ import annotations

import random

import pytest

import looped
from looped.decoder import Spec
from looped.decoder.unembedding import MARGIN
from tests import seeds
from tests.decoder.histories import History, forged, run
from tests.decoder.models import BYTES, SIGNED, SMALL, WORDS, predicted
from tests.programs.headers import Program, programs

ALL = programs()


def check(spec: Spec, history: History) -> int:
    """Compare all that is due; the number of tokens that were compared."""
    found = predicted(spec, history.tokens)
    places = [place for place, token in enumerate(history.due) if token is not None]
    assert [found.tokens[p] for p in places] == [history.due[p] for p in places]
    assert min(found.margins[p] for p in places) >= MARGIN
    assert found.deviation == 0
    return len(places)


@pytest.mark.parametrize("spec", [BYTES, WORDS], ids=["8", "16"])
def test_forged_histories(spec: Spec) -> None:
    rng = seeds.rng(f"forged {spec.width} {spec.pc_bits}")
    assert check(spec, forged(spec, rng, 600, 16)) > 300


@pytest.mark.slow
@pytest.mark.parametrize("memory", [8, 64, 1024, 4096])
@pytest.mark.parametrize("hot", [4, 16, 64])
def test_long_forged_histories(memory: int, hot: int) -> None:
    for width in (8, 16):
        if memory <= 1 << width:
            for bits in (None, width - 1):
                spec = Spec(width=width, memory=memory, counter_bits=bits)
                rng = seeds.rng(f"long {width} {memory} {hot} {bits}")
                check(spec, forged(spec, rng, 4000, hot))


def program(spec: Spec, rng: random.Random) -> list[int]:
    """A random image, most of whose jumps lead forwards and whose operands are addresses in it."""
    top = (1 << spec.width) - 1
    words = [
        rng.choice([rng.randrange(spec.memory), rng.randrange(top + 1)]) for _ in range(spec.memory)
    ]
    for place in range(0, spec.memory - 3, 3):
        if rng.random() < 0.8:
            words[place : place + 2] = [rng.randrange(spec.memory) for _ in range(2)]
            words[place + 2] = (place + 3 * rng.randrange(1, 9)) % (spec.memory - 3)
    return words


def busiest(spec: Spec, rng: random.Random, tries: int, most: int) -> History:
    """The longest run of some random programs."""
    runs = (run(spec, program(spec, rng), rng.randbytes(40), most) for _ in range(tries))
    return max(runs, key=lambda history: len(history.tokens))


@pytest.mark.parametrize(
    "spec", [BYTES, pytest.param(SIGNED, marks=pytest.mark.slow)], ids=["8", "16"]
)
def test_random_programs(spec: Spec) -> None:
    history = busiest(spec, seeds.rng(f"programs {spec.width}"), 20, 600)
    assert check(spec, history) > 100


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(20))
def test_many_random_programs(batch: int) -> None:
    specs = [Spec(width=8, memory=64, counter_bits=7), BYTES, SIGNED]
    specs += [Spec(width=16, memory=memory, counter_bits=15) for memory in (64, 128)]
    for spec in specs:
        for number in range(2):
            rng = seeds.rng(f"{batch} {number} {spec.width} {spec.memory}")
            check(spec, busiest(spec, rng, 60, 2200))


@pytest.mark.slow
@pytest.mark.parametrize("each", ALL, ids=lambda each: each.path.stem)
def test_every_program(each: Program) -> None:
    image = looped.assemble(each.path)
    spec = Spec(width=image.width, memory=256 if image.width == 8 else 1024)
    check(spec, run(spec, list(image.words), each.input, 20_000, image.entry))


END = 255
"""-1, the operand of input and output."""

CORNERS = {
    "a word that was never written": [40, 41, 3, 41, END, 6, 42, 42, END],
    "a equals b": [9, 9, 6, 0, 0, 0, 10, 10, END, 7, 5],
    "a write to the next instruction": [9, 3, 3, 0, 10, 6, 11, 11, END, 251, 7, 1],
    "a write to its own jump": [9, 2, 6, 12, 12, 6, 12, 12, END, 3],
    "input, also behind the end of it": [END, 12, 0, END, 12, 0, END, 12, 0, 12, END, 0, 0],
    "input and output at once": [END, END, 9, 255, END, 6, 9, 9, END],
    "output whose jump would be taken": [9, END, 0, 9, END, 6, 9, 9, END, 128],
    "the least and the greatest word": [9, 10, 6, 0, 0, 0, 10, 9, END, 128, 127],
}
"""Programs for words of eight bits."""


@pytest.mark.parametrize("words", CORNERS.values(), ids=CORNERS)
def test_corner_cases(words: list[int]) -> None:
    assert check(SMALL, run(SMALL, words, b"\xff\x00", 200)) >= 3


def test_a_program_counter_that_becomes_negative_halts() -> None:
    words = [0] * 128
    words[125:128] = [20, 21, 1]
    words[20], words[21] = 255, 1  # 1 - (-1) is positive, and 125 + 3 is the sign
    history = run(BYTES, words, b"", 100, entry=125)
    assert check(BYTES, history) == 3


def test_an_instruction_wraps_at_the_end_of_memory() -> None:
    words = [5, 255, *[0] * 28, 7, 8]
    history = run(SIGNED, words, b"", 80, entry=30)
    assert check(SIGNED, history) >= 4
