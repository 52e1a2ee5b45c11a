"""Steps on few bits become tables: they add what the steps add, and code is short."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import Bit, Conditions
from looped.engines.lifted.lookups import Lookups, Step
from looped.engines.lifted.words import Words
from tests.conftest import examples
from tests.engines.lifted.evaluate import evaluate
from tests.engines.lifted.lookup_circuit import begin, lookups


def one_hot(key: int) -> Step:
    """Whether the low six bits of value 0 are a number, times two."""
    bits = tuple((Bit(0, p), 1 if key >> p & 1 else -1) for p in range(6))
    return Step(bits, key.bit_count(), 2.0)


@st.composite
def steps(draw: st.DrawFn) -> dict[int, list[Step]]:
    """Lanes with one-hot steps on six bits of value 0, and a few others; lane 9 has all 64."""
    result: dict[int, list[Step]] = {9: [one_hot(key) for key in range(64)]}
    for lane in range(draw(st.integers(1, 4))):
        result[lane] = [one_hot(key) for key in draw(st.sets(st.integers(0, 63), max_size=64))]
        for place in draw(st.lists(st.integers(0, 7), max_size=2)):
            bit = Bit(0, place), draw(st.sampled_from([1, -1]))
            result[lane].append(Step((bit,), 0, 0.5))
    return result


@examples(0.1)
@given(steps())
def test_a_table_adds_what_its_steps_add(steps: dict[int, list[Step]]) -> None:
    code = Code()
    code.emit("state")
    widths = {0: 8}
    words = Words(code, widths, Conditions(code, widths).cubes)
    taken = Lookups(code, widths, words.pack).take(steps)
    assert 9 in taken and not taken[9][0].bits and taken[9][0].constant == 2
    for state in range(256):
        values = evaluate(code, [state], [])
        assert values is not None
        for lane, (form, replaced) in taken.items():
            held = (s for s in steps[lane] if s in replaced)
            expected = sum(
                s.value for s in held if sum(w * (state >> b.place & 1) for b, w in s.bits) >= s.at
            )
            found = sum(f * (values[b.value] >> b.place & 1) for b, f in form.bits.items())
            assert form.constant + found == expected


@pytest.mark.parametrize(
    ("bits", "tables", "width"), [(6, 1, 8), pytest.param(7, 5, 16, marks=pytest.mark.slow)]
)
def test_tables_in_weights_are_loads(bits: int, tables: int, width: int) -> None:
    """5 tables of 128 rows and 16 lanes would be 640 tests and 80 sums of up to 128."""
    machine = lookups(bits, tables, width)
    lifted, event = LiftedEngine(machine), EventEngine(machine)
    for engine in (lifted, event):
        engine.load(begin(machine)[None])
    seen = set()
    for _ in range(60):
        lifted.step()
        event.step()
        assert np.array_equal(lifted.state(), event.state())
        seen.add(lifted.state()[0][machine.plan.cpu].tobytes())
    assert (lifted.fallbacks, event.fallbacks) == (0, 0) and len(seen) > 15
    code = lifted.programs.made[0].lifted.code
    loads = sum(i.operation == "table" for i in code.instructions)
    assert loads == -(-tables * width // 64) and len(code.instructions) < 700
