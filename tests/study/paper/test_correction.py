"""The error correction layer: right within its radius, wrong beyond it."""

from __future__ import annotations

import pytest
import torch

from looped.study.paper.correction import EPSILON, correction, correction_error
from looped.study.paper.layers import DTYPES
from looped.study.paper.norms import compute
from looped.study.paper.product import rounding_unit


@pytest.mark.parametrize("dtype", DTYPES)
def test_lanes_within_the_radius_are_corrected(dtype: str) -> None:
    assert correction_error(dtype, points=501) <= 4 * rounding_unit(dtype)


def test_beyond_the_radius_it_errs_twice_as_fast() -> None:
    beyond = torch.tensor([0.3, 0.4, 0.5], dtype=torch.float64)
    x = torch.stack([torch.ones(3, dtype=torch.float64), 1 - beyond], dim=1)[None]
    error = 1 - compute(correction(), x)[0, :, 1]
    assert torch.allclose(error, 2 * (beyond - EPSILON))
