"""The dense engine: the same bits in both dtypes, alone or in a batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from looped.artefact.embedding import embed
from looped.engines.auto import AutoEngine
from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.errors import CertificateError, CompileError
from tests import seeds


def streams(plan, count: int) -> np.ndarray:
    generator = seeds.generator(5)
    words = generator.integers(0, 1 << plan.width, (count, plan.memory))
    return np.stack([embed(row, plan) for row in words])


@pytest.mark.parametrize("width", [8, 16, 32])
def test_float32_and_float64_agree_to_the_last_bit(width: int, machine) -> None:
    compiled = machine("subleq", width, 64)
    engines = [DenseEngine(compiled, dtype) for dtype in ("float32", "float64")]
    for engine in engines:
        engine.load(streams(compiled.plan, 8))
    for _ in range(10):
        for engine in engines:
            engine.step()
        first, second = (engine.state() for engine in engines)
        assert np.array_equal(first, second)
        assert np.array_equal(np.abs(first), np.ones_like(first))


def test_a_batch_is_its_streams(machine) -> None:
    compiled = machine("subleq", 8, 64)
    x = streams(compiled.plan, 5)
    together = DenseEngine(compiled)
    together.load(x)
    together.step(7)
    for i in range(5):
        alone = DenseEngine(compiled)
        alone.load(x[i : i + 1])
        alone.step(7)
        assert np.array_equal(alone.state()[0], together.state()[i])


def test_one_thread_or_two_are_the_same(machine) -> None:
    compiled = machine("subleq", 16, 64)
    threads = torch.get_num_threads()
    states = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            engine = DenseEngine(compiled)
            engine.load(streams(compiled.plan, 3))
            engine.step(5)
            states.append(engine.state())
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(*states)


def test_read_and_write_touch_what_they_name(machine) -> None:
    compiled = machine("subleq", 8, 64)
    engine = DenseEngine(compiled)
    engine.load(streams(compiled.plan, 2))
    before = engine.state()
    lanes = np.array(compiled.plan.words["value"])
    engine.write(1, 3, lanes, np.ones(8))
    assert engine.read(3, lanes)[1].tolist() == [1.0] * 8
    before[1, 3, lanes] = 1
    assert np.array_equal(engine.state(), before)


def test_a_dtype_that_is_none_is_refused(machine) -> None:
    with pytest.raises(CompileError, match="no dtype named `float8`"):
        DenseEngine(machine("subleq", 8, 64), "float8")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_device_is_refused(machine) -> None:
    with pytest.raises(CompileError, match="device cuda does not exist"):
        DenseEngine(machine("subleq", 8, 64), "float32", "cuda")


def test_a_dtype_that_does_not_hold_what_the_machine_is_made_for_is_refused(machine) -> None:
    """By every engine, as they are made over the dense one, unless it is wanted so."""
    small = machine("subleq", 8, 32)
    for engine in (DenseEngine, AutoEngine, EventEngine, LiftedEngine):
        with pytest.raises(CertificateError, match="compiled for float32, and bfloat16 does not"):
            engine(small, "bfloat16")
    for dtype in ("float32", "float64"):
        DenseEngine(small, dtype)
    DenseEngine(small, "bfloat16", uncertified=True)
