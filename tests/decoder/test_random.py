"""Random programs that modify themselves, under the stock `generate`, for 2,000 tokens each.

Most random programs halt, take input, or leave memory within a few instructions, and many of the
others never execute a word that they wrote. Only programs that do neither are counted.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch

from looped.decoder import Kind, Spec, Vocabulary
from looped.decoder.records import record_of
from looped.errors import CompileError
from looped.reference import Subleq
from tests import seeds
from tests.decoder.models import model
from tests.decoder.test_histories import program

pytest.importorskip("transformers")
MOST = 2000
SPECS = [
    Spec(width=8, memory=64, counter_bits=7, context=4096),
    Spec(width=16, memory=64, counter_bits=15, context=4096),
]


@dataclass(frozen=True)
class Run:
    """A program, the tokens of its run, how many of its instructions had a word that the program
    had written, and how many different instructions it executed."""

    words: list[int]
    tokens: list[int]
    modified: int
    different: int


def run_of(spec: Spec, words: list[int]) -> Run | None:
    """The run, if it has enough tokens, no input, and instructions that it has changed."""
    vocabulary, reference = Vocabulary(spec), Subleq(words, spec.width, spec.memory)
    tokens, written, modified = list[int](), set[int](), 0
    seen = set[tuple[int, ...]]()
    while len(tokens) < MOST:
        if reference.halted:
            return None
        places = [(reference.pc + k) % spec.memory for k in range(3)]
        modified += not written.isdisjoint(places)
        seen.add((reference.pc, *(reference.memory[place] for place in places)))
        record = record_of(reference.step(), spec.width)
        if record.kind is Kind.INPUT:
            return None
        if record.address is not None:
            written.add(record.address)
        try:
            tokens += vocabulary.record(record)
        except CompileError:
            return None
    return Run(words, tokens[:MOST], modified, len(seen)) if modified else None


def runs(spec: Spec, rng: random.Random) -> Iterator[Run]:
    while True:
        found = run_of(spec, program(spec, rng))
        if found is not None:
            yield found


def test_a_program_that_is_counted_changes_itself() -> None:
    found = next(runs(SPECS[0], seeds.rng("random generate 8 0")))
    assert found.modified > 10 and len(found.tokens) == MOST


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(5))
@pytest.mark.parametrize("spec", SPECS, ids=["8", "16"])
def test_random_programs_under_generate(spec: Spec, batch: int) -> None:
    rng = seeds.rng(f"random generate {spec.width} {batch}")
    found = list(itertools.islice(runs(spec, rng), 20))
    vocabulary = Vocabulary(spec)
    prompts = [vocabulary.prompt(each.words) for each in found]
    longest = max(map(len, prompts))
    ids = torch.tensor([[vocabulary.halt] * (longest - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    made = model(spec).generate(ids, attention_mask=mask, max_length=longest + MOST)
    for row, each in zip(made[:, longest:].tolist(), found, strict=True):
        assert row == each.tokens
    print(f"\n{spec.width} bits: {len(found)} programs, {MOST * len(found)} tokens, "
          f"{sum(each.modified for each in found)} instructions with words that were written, "
          f"{sum(each.different for each in found)} different instructions")  # fmt: skip
