"""No engine differs from the meaning of a circuit, and nothing that goes wrong is certified."""

from __future__ import annotations

import secrets
from collections import Counter

import pytest

from tests.random_circuits.campaign import campaign
from tests.random_circuits.strategy import Case
from tests.random_circuits.trial import FailureError, mutant_trial, trial, workers_trial


def refusals(counts: Counter[str], who: str) -> int:
    return sum(n for what, n in counts.items() if what.startswith(f"{who} refuses"))


def test_some_circuits_do_what_they_mean_everywhere() -> None:
    counts = campaign(40, first=0, lifted_every=8)
    assert counts["circuits"] >= 36
    assert counts["certified"] >= 28, counts
    assert refusals(counts, "event") == 0
    assert refusals(counts, "compiler") <= 2


def test_circuits_with_workers_do_what_they_mean() -> None:
    """On dense and on event, without fallbacks; whatever the number of workers."""
    counts = campaign(8, first=1, lifted_every=9, attempt=workers_trial)
    assert (counts["event falls back"], refusals(counts, "event")) == (0, 0)
    assert counts["event asked"] >= 2 * counts["circuits"] >= 12


@pytest.mark.slow
def test_fresh_circuits_with_workers_do_what_they_mean() -> None:
    seed = secrets.randbelow(1 << 32)
    print(f"python -m tests.random_circuits 100 --workers --seed {seed}")
    counts = campaign(100, first=seed, attempt=workers_trial)
    print(dict(counts))
    assert counts["circuits"] >= 90
    assert refusals(counts, "event") <= 1


def test_lanes_of_one_origin_fill_several_words() -> None:
    """More than 64 lanes come from one value: each word of lifted code holds 64 of them."""
    text = """m = Circuit("wide", 64, 2)
pc = m.register("pc", 2)
b, c = m.register("b", 64), m.register("c", 64)
m.output("k", gated(literal(c[:1]), *map(bit, b)), 64)
m.output("l", m.add(b, m.fetch("g", pc)), 64)
m.output("n", c, 64)
m.next(pc, m.sub(b[:2], c[:2]))"""
    registers = (("pc", 2), ("b", 64), ("c", 64), ("k", 64), ("l", 64), ("n", 64))
    trial(Case(text, 64, 2, 0, False, registers, ("b", "c"), (), False, 1), Counter())


@pytest.mark.slow
def test_fresh_circuits_do_what_they_mean_everywhere() -> None:
    seed = secrets.randbelow(1 << 32)
    print(f"python -m tests.random_circuits 500 --seed {seed}")
    counts = campaign(500, first=seed)
    print(dict(counts))
    assert counts["certified"] >= 350


def test_a_failure_is_a_program_that_can_be_run() -> None:
    """What is printed builds the circuit by itself."""
    text = 'm = Circuit("wrong", 4, 2)\npc = m.register("pc", 4)\nm.next(pc, m.add(pc, 300, 7))'
    case = Case(text, 4, 2, 0, False, (("pc", 4),), (), (), False, 1)
    with pytest.raises(FailureError) as caught:
        trial(case, Counter())
    program, _, told = str(caught.value).partition("# states")
    assert told == " from seed 1"
    assert program.startswith("TypeError: ")
    lines = program.splitlines()[2:]
    good = "\n".join(lines).replace(", 7)", ")")
    names: dict[str, object] = {}
    exec(good, names)
    assert type(names["m"]).__name__ == "Circuit"


@pytest.mark.slow
def test_no_wrong_weights_that_do_harm_are_certified_and_no_engine_differs() -> None:
    seed = secrets.randbelow(1 << 32)
    print(f"python -m tests.random_circuits 500 --mutants --seed {seed}")
    counts = campaign(500, seed, 3, mutant_trial)
    print(dict(counts))
    misbehaving = sum(n for what, n in counts.items() if "misbehaves" in what)
    assert misbehaving >= 100
