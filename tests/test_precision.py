"""What the formats can hold, against torch's own arithmetic in them."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import CompileError
from looped.precision import PRECISIONS, Precision, precision

FORMS = list(PRECISIONS.values())


def held(form: Precision, x: float) -> float:
    return float(torch.tensor(x, dtype=torch.float64).to(getattr(torch, form.name)))


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.name)
def test_the_numbers_of_a_format_are_those_of_torch(form: Precision) -> None:
    info = torch.finfo(getattr(torch, form.name))
    assert float(form.largest) == info.max
    assert float(Fraction(2) ** (1 - form.mantissa)) == info.eps
    smallest = float(Fraction(2) ** form.tiny)
    assert held(form, smallest) == smallest and held(form, smallest / 2) == 0


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.name)
@given(st.integers(1, 1 << 14), st.integers(1, 1 << 14))
def test_rounding_is_to_nearest_even(form: Precision, a: int, b: int) -> None:
    if form.name == "float64":
        assert float(form.rounded(Fraction(a, b))) == a / b
    else:
        x = Fraction(a, b)
        float64 = PRECISIONS["float64"].rounded(x)
        assert float(form.rounded(float64)) == held(form, float(float64))


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.name)
def test_an_exponential_below_the_underflow_is_zero(form: Precision) -> None:
    dtype = getattr(torch, form.name)
    scores = torch.tensor([0.0, -1.01 * form.underflow], dtype=dtype)
    assert torch.softmax(scores, 0).tolist() == [1, 0]


@pytest.mark.parametrize(("name", "bits"), [("float32", 16), ("bfloat16", 6), ("float16", 9)])
def test_slices_leave_two_bits(name: str, bits: int) -> None:
    assert precision(name).slice_bits == bits


def test_an_unknown_dtype_is_refused() -> None:
    with pytest.raises(CompileError) as caught:
        precision("float8")
    assert caught.value.render() == (
        "error: no dtype named `float8`\nhint: dtypes: float64, float32, bfloat16, float16"
    )
