"""Problems of any length, a looped block that halts, and a baseline that cannot look ahead."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from looped.learn.length.models import Fixed, Looped
from looped.learn.length.problems import ADDITION, PARITY, PROBLEMS
from looped.learn.length.recipe import EXTRA, TRAINED, Recipe
from looped.learn.length.report import report
from looped.learn.length.study import Result, ablation, generalisation

WITHOUT = dict(Recipe().without_each())


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


def test_a_loop_with_steep_slopes_looks_at_the_previous_place_alone() -> None:
    steep, flat = Looped(2), Looped(2, WITHOUT["previous"])
    assert steep.slopes is not None
    with torch.no_grad():
        steep.slopes.add_(9)
        for model, ends in ((steep, 4), (flat, 9)):
            before, after = torch.zeros(2, 1, 9, dtype=torch.long)
            after[0, 0] = 1
            moved = (model(before, 3) != model(after, 3)).any(-1)[0]
            assert moved.nonzero()[:, 0].tolist() == list(range(ends))


def test_a_row_halts_in_its_most_confident_loop() -> None:
    model = Looped(2)
    model.between = nn.Identity()

    class Counted(nn.Module):
        def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return x + 1

    model.blocks[0] = Counted()
    scores = {1.0: (0.0, 1.0), 2.0: (3.0, 0.0), 3.0: (3.0, 0.0), 4.0: (0.0, 2.0)}
    with torch.no_grad():
        model.embedding.weight.zero_()
        model.answers = lambda x: torch.tensor([scores[float(v)] for v in x[0, 1:, 0]])[None]  # type: ignore[method-assign]
        held, loops = model.halting(torch.zeros(1, 5, dtype=torch.long), 4)
    assert held.tolist() == [[0] * 5] and loops.tolist() == [2]


def test_each_ingredient_can_be_taken_away() -> None:
    tokens, _ = PARITY.draw(2, 6, "test")
    torch.manual_seed(0)
    whole = Looped(2)
    for name, recipe in WITHOUT.items():
        model = Looped(2, recipe)
        assert not getattr(recipe, name)
        if name == "tying":
            assert len(model.blocks) == TRAINED + EXTRA
            assert model(tokens, TRAINED + EXTRA + 2).shape == (2, 6, 2)
            continue
        model.load_state_dict(whole.state_dict(), strict=False)
        same = torch.equal(model(tokens, 3), whole(tokens, 3))
        assert same == (name in ("loops", "curriculum"))
    assert WITHOUT["loops"].count(7) == TRAINED and Recipe().count(7) == 7
    assert WITHOUT["curriculum"].longest(0) == TRAINED
    assert [Recipe().longest(done) for done in (0, 0.25, 0.5, 1)] == [4, 12, TRAINED, TRAINED]


def test_a_short_run_fills_its_table() -> None:
    found = generalisation(PARITY, steps=2, lengths=(2, 4))
    assert len(found) == 6 and report(found, (2, 4)).count("\n") == 4
    assert found == generalisation(PARITY, steps=2, lengths=(2, 4))
    lacking = ablation(ADDITION, steps=1, lengths=(2,))
    assert report(lacking, (2,)).count("without") == len(WITHOUT) == len(lacking) - 1


def test_seeds_have_a_mean_and_a_deviation() -> None:
    halting = [Result("halting", 10, right, loops) for right, loops in ((1.0, 8), (0.5, 10))]
    assert report(halting, (10,)).endswith("| looped, halts by confidence | 75.0% ± 25.0 (9) |")
    assert report([Result("fixed", 10, 0.25, 6)], (10,)).endswith("| six blocks | 25.0% |")


@pytest.mark.slow
def test_a_looped_block_gets_to_three_times_the_trained_length() -> None:
    found = generalisation(PARITY, steps=300, lengths=(60,))
    right = {result.model: result.right for result in found}
    assert right["looped"] >= 0.95 and right["halting"] >= 0.5 and right["fixed"] == 0
