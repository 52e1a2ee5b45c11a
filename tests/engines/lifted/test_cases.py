"""The code of a case does what the whole code does, wherever the case is chosen."""

from __future__ import annotations

import functools

import pytest

import looped
from looped.engines.lifted.cases import cases_of
from looped.engines.lifted.code import Code
from looped.engines.lifted.dispatch import Cases
from looped.engines.lifted.programs import rare_lanes
from tests import seeds
from tests.conftest import compiled
from tests.engines.lifted.evaluate import evaluate
from tests.engines.lifted.lifts import MEMORY, lifted
from tests.programs.headers import extended_programs, riscv_programs

MACHINES = [
    "rv32i",
    pytest.param("rv32im", marks=pytest.mark.slow),
    pytest.param("rv32ima", marks=pytest.mark.slow),
]


@functools.cache
def cases(name: str) -> Cases:
    found = cases_of(lifted(name), rare_lanes(compiled(name, 32, MEMORY).plan))
    assert found is not None
    return found


def word(code: Code, state: list[int], cells: list[int]) -> int:
    """The only word that some code leaves."""
    values = evaluate(code, state, list(cells))
    assert values is not None
    return values[code.following[0]]


def states(name: str, count: int) -> list[tuple[list[int], list[int]]]:
    """States and cells: instructions of programs, one bit of some of them wrong, and any words."""
    rng = seeds.rng(5)
    programs = riscv_programs() if name == "rv32i" else extended_programs()
    known = [w for p in programs for w in looped.assemble(p.path).words]
    result = []
    for _ in range(count):
        cells = [
            rng.choice([rng.choice(known), rng.choice(known) ^ 1 << rng.randrange(32),
                        rng.getrandbits(32), rng.getrandbits(7)])
            for _ in range(len(lifted(name).behaviour.known) + 1)
        ]  # fmt: skip
        flags, busy = cases(name).flags, rng.random() < 0.1
        state = [rng.getrandbits(len(word)) for word in lifted(name).words]
        if not busy:
            state = [word & ~flags.get(n, 0) for n, word in enumerate(state)]
        result.append((state, cells))
    return result


@pytest.mark.parametrize("name", MACHINES)
def test_each_case_is_the_whole_code_under_its_decisions(name: str) -> None:
    whole, found = lifted(name).code, cases(name)
    chosen = []
    for state, cells in states(name, 400):
        flagged = any(state[n] & mask for n, mask in found.flags.items())
        case = len(found.codes) if flagged else word(found.choice, state, cells)
        chosen.append(case)
        if case == len(found.codes):
            continue
        outcomes = []
        for code in (whole, found.codes[case]):
            after = list(cells)
            values = evaluate(code, state, after)
            following = None if values is None else [values[n] for n in code.following]
            outcomes.append((following, None if values is None else after))
        assert outcomes[0] == outcomes[1], (case, state)
    assert len({*chosen}) > 20
    assert sum(case < len(found.codes) for case in chosen) > len(chosen) / 3


@pytest.mark.parametrize("name", MACHINES)
def test_the_key_decides(name: str) -> None:
    """States with the same key have the same case, whatever else they hold."""
    found = cases(name)
    rng = seeds.rng(6)
    for state, cells in states(name, 100):
        other, (load,) = list(state), [i for i in found.key.instructions if i.operation == "load"]
        key = evaluate(found.key, state, list(cells))
        assert key is not None
        fetched = key[load.operands[0]]
        changed = [c if n == fetched else rng.getrandbits(32) for n, c in enumerate(cells)]
        assert word(found.key, other, changed) == key[found.key.following[0]]
        assert word(found.choice, other, changed) == word(found.choice, state, cells)


@pytest.mark.parametrize("name", MACHINES)
def test_a_case_needs_a_fraction_of_the_code(name: str) -> None:
    whole = len(lifted(name).code.instructions)
    sizes = [len(code.instructions) for code in cases(name).codes]
    assert max(sizes) < whole / 3
    assert len(sizes) > 30


def test_short_code_has_no_cases() -> None:
    assert cases_of(lifted("subleq", 16), ()) is None
