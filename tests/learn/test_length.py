"""Problems of any length, a looped block that halts, and a baseline that cannot look ahead."""

from __future__ import annotations

import pytest
import torch

from looped.learn.length.models import Fixed, Looped
from looped.learn.length.problems import ADDITION, PARITY, PROBLEMS
from looped.learn.length.report import report
from looped.learn.length.study import generalisation


def test_the_answers_are_sums_and_parities() -> None:
    tokens, answers = ADDITION.draw(8, 12, "test")
    powers = 1 << torch.arange(12)
    a, b = ((tokens >> bit & 1) @ powers for bit in (0, 1))
    assert torch.equal(answers @ powers, (a + b) % 4096)
    tokens, answers = PARITY.draw(8, 12, "test")
    assert torch.equal(answers[:, -1], tokens.sum(1) % 2)


@pytest.mark.parametrize("name", PROBLEMS)
def test_both_models_are_causal_at_any_length(name: str) -> None:
    problem = PROBLEMS[name]
    tokens, _ = problem.draw(2, 30, "test")
    torch.manual_seed(0)
    looped, fixed = Looped(problem.tokens), Fixed(problem.tokens, 2)
    for whole, part in (
        (looped(tokens, 3), looped(tokens[:, :9], 3)),
        (fixed(tokens), fixed(tokens[:, :9])),
    ):
        assert torch.allclose(whole[:, :9], part, atol=1e-5)


def test_a_row_halts_when_it_is_sure_and_its_answers_stay() -> None:
    model = Looped(2)
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.copy_(torch.tensor([0.0, 9.0]))
        held, loops = model.halting(torch.zeros(3, 5, dtype=torch.long), 7, 0.9)
        assert held.tolist() == [[1] * 5] * 3 and loops.tolist() == [2] * 3
        model.head.bias.zero_()
        assert model.halting(torch.zeros(3, 5, dtype=torch.long), 7, 0.9)[1].tolist() == [7] * 3


def test_a_short_run_fills_its_table() -> None:
    found = generalisation(PARITY, steps=2, lengths=(2, 4))
    assert len(found) == 6 and report(found, (2, 4)).count("\n") == 4
    assert found == generalisation(PARITY, steps=2, lengths=(2, 4))
