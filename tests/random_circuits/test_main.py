"""A campaign says how many circuits it tried, also one that a signal ends."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.random_circuits import __main__
from tests.random_circuits.strategy import Case
from tests.random_circuits.trial import FailureError


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The handlers of signals, put back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def after(tried: int, monkeypatch: pytest.MonkeyPatch, act) -> None:
    """A trial that counts circuits and acts in the one after so many."""

    def attempt(case: Case, counts: Counter[str], lifted: bool) -> None:
        if counts["circuits"] == tried:
            act(case)
        counts["circuits"] += 1

    monkeypatch.setattr(__main__, "trial", attempt)


def test_all_circuits_are_tried(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    after(-1, monkeypatch, lambda case: None)
    assert __main__.main(["20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "      20  circuits"
    assert lines[1].startswith("20 of 20 circuits tried, no failure, seed 0, ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_number_until_then(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    after(7, monkeypatch, lambda case: signal.raise_signal(number))
    assert __main__.main(["1000", "--seed", "3"]) == 128 + number
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "       7  circuits"
    assert lines[1].startswith(f"7 of 1,000 circuits tried, no failure, {number.name}, seed 3, ")


def test_a_failure_is_printed_and_counted(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def fail(case: Case) -> None:
        raise FailureError("wrong", case)

    after(5, monkeypatch, fail)
    assert __main__.main(["1000"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("seed 0: wrong\n") and " of 1,000 circuits tried, a failure, " in out
