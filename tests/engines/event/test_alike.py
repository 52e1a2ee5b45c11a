"""What is computed once for alike columns is what each of them alone gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.analysis import analyse
from looped.analysis.keys import KeyCodes, key_codes
from looped.artefact.embedding import embed_compact
from looped.artefact.residual import Residual, compact
from looped.engines.event.alike import Alike
from looped.engines.event.stream import Stream, TableCache
from looped.errors import CompileError
from looped.precision import FLOAT32
from tests.conftest import compiled, examples
from tests.seeds import generator, rng


def arrays(found: object) -> Iterator[npt.NDArray[Any]]:
    if isinstance(found, tuple):
        for each in found:
            yield from arrays(each)
    else:
        yield np.asarray(found)


@pytest.mark.parametrize(
    ("machine", "width", "memory"),
    [
        ("subleq", 8, 32),
        pytest.param("rv32i", 32, 64, marks=pytest.mark.slow),
        pytest.param("rv32ima", 32, 128, marks=pytest.mark.slow),
        pytest.param("fleq", 32, 64, marks=pytest.mark.slow),
    ],
)
def test_a_stream_is_that_of_its_matrix(machine: str, width: int, memory: int) -> None:
    model = compiled(machine, width, memory)
    plan = model.plan
    cache = TableCache(analyse(model.arrays, len(plan.blocks), plan.d_head, FLOAT32))
    random = rng(machine)
    words = [random.getrandbits(width) for _ in range(memory // 2)]
    x = embed_compact(words, plan)
    assert x.alike >= memory
    apart = compact(np.asarray(x), 0)
    streams = [Stream(cache, each, plan.cpus)._arrays for each in (x, apart)]
    for one, other in zip(*map(arrays, streams), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def same(one: KeyCodes, other: KeyCodes) -> bool:
    fields = [(one.coded, other.coded), (one.magnitude, other.magnitude)]
    for mine, theirs in zip(one.groups, other.groups, strict=True):
        fields += zip(
            (mine.constant, mine.members, mine.table),
            (theirs.constant, theirs.members, theirs.table),
            strict=True,
        )
    return all(np.array_equal(a, b) for a, b in fields)


@examples(0.5)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_codes_of_any_rows(seed: int, data: st.DataObject) -> None:
    random = generator(seed)
    alike, lanes = data.draw(st.integers(0, 9)), data.draw(st.integers(2, 80))
    x = random.choice([-1, 1], (alike + data.draw(st.integers(1, 4)), lanes)).astype(np.int8)
    shared = random.random(lanes) < 0.8
    x[:alike, shared] = x[:1, shared]
    order = random.permutation(lanes)
    residual: Residual = compact(x, alike)
    stream = Alike(residual, order)
    rows = random.integers(-2, 3, (data.draw(st.integers(0, 4)), lanes))
    rows *= random.random(rows.shape) < data.draw(st.sampled_from([0.05, 0.5]))
    values = x[:, order].astype(np.float64) @ rows.T
    expected = coded(lambda: key_codes(values, np.arange(len(x)), 5))
    found = coded(lambda: stream.codes(rows, 5))
    assert (found is None) == (expected is None)
    assert found is None or expected is None or same(found, expected)
    assert residual.is_signs()


def coded(make: Callable[[], KeyCodes]) -> KeyCodes | None:
    try:
        return make()
    except CompileError:
        return None
