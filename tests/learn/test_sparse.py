"""The fewest weights with which a head still finds a right column."""

from __future__ import annotations

import torch

from looped.learn.circuits.sparse import margin, sparse

COLUMNS = torch.tensor([[a, b, -a, c] for a in (1, -1) for b in (1, -1) for c in (1, -1)])[None]
"""Eight columns (1, 8, 4): three bits, the first of them twice."""


def own_code(wrong: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores by which a column finds those with its own first two bits, with noise; and these."""
    x = COLUMNS.float()
    scores = torch.zeros(4, 4)
    scores[0, 0], scores[1, 1] = 1.0, 0.8
    scores[3, 3] = scores[0, 3] = scores[3, 1] = wrong
    return scores, ((x[:, :, None, :2] == x[:, None, :, :2]).all(-1))


def test_weights_go_that_no_column_needs() -> None:
    scores, right = own_code(0.1)
    wanted, _ = own_code(0.0)
    assert torch.equal(sparse(scores, COLUMNS.float(), right), wanted)
    assert torch.equal(sparse(scores, COLUMNS.float(), right, [[0, 1], [3]]), wanted)


def test_a_margin_is_left() -> None:
    scores, right = own_code(0.1)
    x = COLUMNS.float()
    first, last = (margin(x @ s @ x.mT, right) for s in (scores, sparse(scores, x, right)))
    assert last >= first / 4 > 0


def test_nothing_goes_from_a_head_that_is_wrong() -> None:
    scores, right = own_code(3.0)
    assert margin(COLUMNS.float() @ scores @ COLUMNS.float().mT, right) < 0
    assert torch.equal(sparse(scores, COLUMNS.float(), right), scores)
    assert torch.equal(sparse(scores, COLUMNS.float(), right & False), scores)


def test_the_margin_is_between_a_right_column_and_a_wrong_one() -> None:
    pairs = torch.tensor([[[3.0, 1.0, 2.5], [0.0, 2.0, 0.5], [4.0, 0.0, 1.0]]])
    right = torch.tensor([[[1, 1, 0], [0, 1, 0], [1, 0, 1]]]).bool()
    assert margin(pairs, right) == 0.5
