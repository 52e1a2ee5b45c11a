"""The training check: its streams, its determinism, and that the core learns it."""

from __future__ import annotations

import pytest
import torch

from looped.learn.recall import EVENTS, WIDTH, check
from looped.learn.recall.check import plain
from looped.learn.recall.stream import NO_ANSWER, VALUES, VARIABLES, streams
from looped.learn.recall.systems import POSITIONS, STACKS
from tests import seeds


def test_the_answer_to_a_read_is_the_last_value_written() -> None:
    tokens, answers = streams(16, torch.Generator().manual_seed(0))
    reads = 0
    for row, wanted in zip(tokens.tolist(), answers.tolist(), strict=True):
        held: dict[int, int] = {}
        for token, answer in zip(row, wanted, strict=True):
            if token < VARIABLES * VALUES:
                held[token // VALUES] = token % VALUES
                assert answer == NO_ANSWER
            else:
                assert answer == held[token - VARIABLES * VALUES]
                reads += 1
    assert reads > 16 * EVENTS / 4


def test_a_short_check_is_determined_by_its_seeds() -> None:
    first, again = (check(plain, (0, 1), steps=2, at=(1,)) for _ in range(2))
    assert first.accuracy == again.accuracy and set(first.accuracy) == {1, 2}
    assert len(first.accuracy[2]) == 2 and "±" in str(first)


@pytest.mark.parametrize("name", {**STACKS, **POSITIONS})
def test_the_modules_of_a_system_are_causal(name: str) -> None:
    """What is written later changes no answer, and what is written before does."""
    torch.manual_seed(seeds.number(0))
    stack = STACKS.get(name, STACKS["core"])().eval()
    positions = POSITIONS.get(name, POSITIONS["trained"])()(torch.arange(EVENTS))
    assert positions.shape == (EVENTS, WIDTH)
    x = torch.randn(1, EVENTS, WIDTH) + positions
    changed = x.clone()
    changed[:, EVENTS - 9 :] += 1
    mask = torch.ones(EVENTS, EVENTS, dtype=torch.bool).tril()
    with torch.no_grad():
        before, after = (stack(part, mask=mask)[0] for part in (x, changed))
    assert torch.equal(before[: EVENTS - 9], after[: EVENTS - 9])
    assert not torch.equal(before[EVENTS - 9], after[EVENTS - 9])


@pytest.mark.slow
def test_the_core_learns_to_read() -> None:
    assert check(plain, (0,), steps=300).mean(300) > 0.6
