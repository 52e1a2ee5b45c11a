"""Threads of PyTorch: short loops of the dense engine run on one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

import looped
from looped.engines import dense
from looped.engines.dense import DenseEngine
from looped.engines.torch_threads import on_threads
from tests.conftest import compiled


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    with on_threads(2):
        yield


def test_the_number_comes_back_after_an_error() -> None:
    with pytest.raises(ValueError, match="stop"), on_threads(1):
        assert torch.get_num_threads() == 1
        raise ValueError("stop")
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(
    ("streams", "limit", "threads"), [(1, 1 << 30, 1), (2, 1 << 30, 2), (1, 1, 2)]
)
def test_one_short_stream_runs_on_one_thread(
    streams: int, limit: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense, "_MANY_PRODUCTS", limit)
    machine = compiled("subleq", 8, 32)
    engine = DenseEngine(machine)
    engine.load(np.stack([looped.embed((0,) * 32, machine.plan)] * streams))
    seen = []
    engine.model.register_forward_pre_hook(lambda *_: seen.append(torch.get_num_threads()))
    engine.step(3)
    assert seen == [threads] and torch.get_num_threads() == 2
