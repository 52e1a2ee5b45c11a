"""Settings of PyTorch and kernels in which nothing is exact are refused, and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from looped.artefact.embedding import embed
from looped.engines import settings
from looped.engines.auto import ENGINES
from looped.engines.dense import DenseEngine
from looped.engines.settings import Settings, check_kernels
from looped.errors import CertificateError
from looped.precision import precision
from tests.conftest import compiled

CPU = torch.device("cpu")
WIDTH = 90


class _Rounded(nn.RMSNorm):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * (1 - 2.0**-24)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Whatever a test sets is as it was afterwards."""
    yield
    torch.set_float32_matmul_precision("highest")
    torch.set_flush_denormal(False)


def set_mkldnn() -> None:
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"


SETTINGS: dict[str, Callable[[], None]] = {
    "torch.set_float32_matmul_precision": lambda: torch.set_float32_matmul_precision("high"),
    "mkldnn": set_mkldnn,
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("engine", ENGINES)
def test_reduced_products_are_refused_when_an_engine_is_made(name: str, engine: str) -> None:
    small = compiled("subleq", 8, 32)
    SETTINGS[name]()
    with pytest.raises(CertificateError, match=rf"{name}.*the certificate does not cover that"):
        ENGINES[engine](small, "float32", "cpu", False)


@pytest.mark.parametrize("name", SETTINGS)
def test_and_when_they_are_set_while_it_runs(name: str) -> None:
    small = compiled("subleq", 8, 32)
    dense = DenseEngine(small)
    dense.load(embed([0], small.plan)[None])
    dense.step()
    SETTINGS[name]()
    with pytest.raises(CertificateError, match=name):
        dense.step()


def test_an_oneapi_mode_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    with pytest.raises(CertificateError, match="`ONEDNN_DEFAULT_FPMATH_MODE` is `BF16`"):
        DenseEngine(compiled("subleq", 8, 32))


def test_autocast_is_refused() -> None:
    small = compiled("subleq", 8, 32)
    with torch.autocast("cpu"), pytest.raises(CertificateError, match="autocast is on"):
        DenseEngine(small)


def test_products_of_other_formats_do_not_depend_on_those_of_float32() -> None:
    torch.set_float32_matmul_precision("medium")
    DenseEngine(compiled("subleq", 8, 32), "float64").step(0)


def test_flushing_subnormals_matters_to_weights_that_come_near_them() -> None:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor does not flush")
    DenseEngine(compiled("subleq", 8, 32))
    with pytest.raises(CertificateError, match="subnormal numbers are flushed to zero"):
        Settings(precision("float32"), CPU, 2.0**-60).check()
    torch.set_flush_denormal(False)
    Settings(precision("float32"), CPU, 2.0**-60).check()


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("score", [0.0, 3_000.0, 80_000.0])
def test_the_kernels_of_the_cpu_are_exact(dtype: str, score: float) -> None:
    for heads in ((1, 1), (3, 16), (2, 64)):
        check_kernels(WIDTH, precision(dtype), CPU, heads, score)


def test_a_norm_that_is_not_the_identity_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reciprocal root of 1 is another number."""
    monkeypatch.setattr(settings.nn, "RMSNorm", _Rounded)
    with pytest.raises(CertificateError, match="RMSNorm does not keep rows of ±1"):
        check_kernels(WIDTH, precision("float32"), CPU, (1, 4), 9.0)


@pytest.mark.parametrize("error", [2.0**-22, -(2.0**-22)])
def test_an_exponential_of_zero_that_is_not_one_is_refused(
    error: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that scales by log2(e) and subtracts the maximum in one rounding."""

    def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        weights = torch.exp2((scores - scores.amax(-1, keepdim=True)) * 1.4427 + error)
        return weights @ v / weights.sum(-1, keepdim=True) * (1 + error)

    monkeypatch.setattr(settings, "scaled_dot_product_attention", attention)
    with pytest.raises(CertificateError, match="the softmax of a head is not one-hot"):
        check_kernels(WIDTH, precision("float32"), CPU, (1, 16), 900.0)


def test_products_that_lose_bits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of TF32 do, whatever the settings say."""

    def rounded(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return (x.bfloat16() @ w.bfloat16().T).to(x.dtype)

    monkeypatch.setattr(settings, "linear", rounded)
    with pytest.raises(CertificateError, match="matrix products lose bits"):
        check_kernels(WIDTH, precision("float32"), CPU, (1, 16), 900.0)
