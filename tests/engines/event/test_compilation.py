"""Compiling is announced once, and loading from the cache is not."""

from __future__ import annotations

from numba import njit

from looped.engines.event import on_compile


def test_what_is_compiled_is_announced_once() -> None:
    notes: list[str] = []
    first, second = njit(lambda x: x + 1), njit(lambda x: x + 2)
    with on_compile(lambda: notes.append("compiling")):
        assert (first(1), second(1)) == (2, 3)
    assert notes == ["compiling"]
    with on_compile(lambda: notes.append("again")):
        assert first(2) == 3
    assert notes == ["compiling"]
