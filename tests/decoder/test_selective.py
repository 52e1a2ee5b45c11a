"""Selective attention runs programs without a clock, and what its masks remove is never missed."""

from __future__ import annotations

import functools

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import looped
from looped.decoder import Spec, Vocabulary
from looped.decoder.pruned import Pruned
from looped.decoder.selective import selective_weights
from looped.decoder.selective_loop import Selective, SelectiveLayers
from looped.decoder.weights import weights
from looped.precision import FLOAT32
from tests import seeds
from tests.conftest import examples
from tests.decoder.histories import History, forged
from tests.decoder.histories import run as history
from tests.programs.headers import FOLDER, Program, programs

ALL = programs()
SMALL = Spec(width=8, memory=64, context=4096, counter_bits=7)


@functools.cache
def selective(spec: Spec) -> Selective:
    return Selective(selective_weights(spec))


@functools.cache
def pruned(spec: Spec) -> Pruned:
    return Pruned(weights(spec))


def check(spec: Spec, words: list[int], data: bytes, most: int, entry: int = 0) -> list[int]:
    """A run equals that of the reference; it keeps what `Pruned` keeps, and one entry more."""
    prompt = Vocabulary(spec).prompt(words, entry)
    wanted = history(spec, words, data, most, entry).tokens[len(prompt) :]
    runs = []
    for loop in (selective(spec), pruned(spec)):
        source = iter(data)
        answer = functools.partial(next, source, (1 << spec.width) - 1)
        runs.append(loop.generate(prompt, answer, len(wanted)))
    assert runs[0] == runs[1] == wanted
    assert pruned(spec).entries <= selective(spec).entries <= pruned(spec).entries + 1
    return wanted


def test_a_program_runs_to_its_end() -> None:
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    tokens = check(SMALL, list(image.words), b"", 400)
    assert Vocabulary(SMALL).output(tokens) == b"9876543210\n"


@examples(0.1)
@given(st.lists(st.integers(0, 255), min_size=64, max_size=64), st.integers(0, 60))
def test_random_programs(words: list[int], entry: int) -> None:
    check(SMALL, words, b"abc", 120, entry)


def due(found: History) -> dict[int, int]:
    return {place: token for place, token in enumerate(found.due) if token is not None}


def test_nothing_is_missed_that_is_masked() -> None:
    """The same text with and without removal: the same tokens, and F is zero or at least S."""
    spec = Spec(width=8, memory=32)
    text = forged(spec, seeds.rng("selective"), 400, 8)
    whole = SelectiveLayers(selective_weights(spec))
    logits = whole.append(text.tokens, 0)
    assert all(int(logits[place].argmax()) == token for place, token in due(text).items())
    whole.keep(len(text.tokens))
    masks = whole.masks[:, : whole.length]
    assert set(masks[:, 0].tolist()) == {0.0}
    assert np.logical_or(masks == 0, masks >= 2 * FLOAT32.underflow).all()
    short = Selective(selective_weights(spec))
    seen = []
    for token in text.tokens:
        seen.append(int(short._pass([token])[0].argmax()))
        short._keep([token])
    assert [seen[place] for place in due(text)] == [*due(text).values()]
    assert short.entries <= 32 + 8 < len(text.tokens) / 8


@pytest.mark.slow
@pytest.mark.parametrize("each", ALL, ids=lambda each: each.path.stem)
def test_every_program(each: Program) -> None:
    image = looped.assemble(each.path)
    spec = Spec(width=image.width, memory=max(64, looped.api.smallest_memory(image)))
    check(spec, list(image.words), each.input, 20_000, image.entry)
