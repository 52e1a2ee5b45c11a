"""A timeline is the same run wherever it comes from: forwards, backwards, after an edit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.debug import timeline as module
from looped.debug.replayed import Replayed
from looped.debug.timeline import Timeline
from tests.conftest import examples
from tests.debug.sessions import ADDER, CALLS, timeline

DATA = bytes([3, 5, 7, 11, 13, 17])


def seen(run: Timeline) -> tuple[object, ...]:
    """All that a person can see of a run."""
    memory = run.computer.memory()[0].tolist()
    return run.steps, run.pc, run.halted, bytes(run.output), memory


@cache
def every_place(text: str) -> list[tuple[object, ...]]:
    """What is seen at each place of a run that goes forward, one instruction at a time."""
    run = timeline(text, DATA)
    places = [seen(run)]
    while not run.halted:
        run.step()
        places.append(seen(run))
    return places


@pytest.mark.parametrize("text", [ADDER, CALLS])
@examples(0.12)
@given(jumps=st.lists(st.integers(0, 400), min_size=1, max_size=8), spacing=st.integers(1, 9))
def test_every_place_is_the_same_from_both_sides(text: str, jumps: list[int], spacing: int) -> None:
    places = every_place(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SPACING", spacing)
        patch.setattr(module, "_MOST_SNAPSHOTS", 3)
        patch.setattr(module, "_PERIOD", 0)
        patch.setattr(module, "_NEAR", spacing)
        run = timeline(text, DATA)
        for jump in jumps:
            run.go_to(jump)
            assert seen(run) == places[min(jump, len(places) - 1)]


def test_output_is_shown_once() -> None:
    shown = bytearray()
    run = timeline(ADDER, DATA, show=shown.extend)
    run.go_to(10_000)
    assert run.halted and shown == b"....."
    run.go_to(1)
    assert run.output == b""
    run.go_to(10_000)
    assert run.output == shown == b"....."


def test_an_edit_belongs_to_its_place() -> None:
    run = timeline(ADDER, DATA)
    run.go_to(20)
    place, before = run.image.symbols["left"], len(run.output)
    run.edit(lambda port: port.set_memory(place, 1))
    after = seen(run)
    run.go_to(10_000)
    assert before <= len(run.output) < 5
    end = seen(run)
    for back in (0, 20, 19):
        run.go_to(back)
        assert (run.port.memory(place) == 1) == (back == 20)
    run.go_to(20)
    assert seen(run) == after
    run.go_to(10_000)
    assert seen(run) == end


def test_an_edit_makes_a_new_future() -> None:
    run = timeline(ADDER, DATA)
    run.go_to(60)
    run.edit(lambda port: port.set_memory(run.image.symbols["sum"], 9))
    run.go_to(10)
    run.edit(lambda port: port.set_cpu("pc", 0))
    assert run.pc == 0
    run.go_to(60)
    assert run.port.memory(run.image.symbols["sum"]) != 9


def test_a_wait_that_is_interrupted_changes_nothing() -> None:
    class Impatient:
        tries = 0

        def read(self, count: int, /) -> bytes:
            self.tries += 1
            if self.tries == 1:
                raise KeyboardInterrupt
            return DATA[:count]

    run = timeline(ADDER)
    run.input = Replayed(Impatient())
    run.computer.panel.inputs = [run.input]
    with pytest.raises(KeyboardInterrupt):
        run.go_to(10_000)
    run.go_to(10_000)
    assert run.halted and run.output == b"....."
    assert run.port.memory(run.image.symbols["sum"]) == -5 * 3 % 256


def test_a_recording_is_read_again() -> None:
    import io

    recording = Replayed(io.BytesIO(b"abcdef"))
    assert recording.read(2) + recording.read(3) == b"abcde"
    recording.position = 1
    assert recording.read(10) == b"bcde", "only what was read before, without waiting"
    assert recording.read(10) == b"f" and recording.read(1) == b""
    recording.position = 5
    assert recording.read(4) == b"f" and recording.read(4) == b""


def test_the_state_is_that_of_the_engine() -> None:
    run = timeline(ADDER, DATA)
    run.go_to(7)
    other = timeline(ADDER, DATA, engine="dense")
    other.go_to(12)
    other.go_to(7)
    assert np.array_equal(run.computer.state(), other.computer.state())
