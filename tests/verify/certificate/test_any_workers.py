"""Random circuits and weights with workers: what the certificate accepts never goes wrong."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from looped.circuit.circuit import Circuit
from looped.circuit.words import Word
from looped.passes.emit import compile_circuit
from looped.verify.certificate import certify
from tests import seeds
from tests.circuit.evaluate import WorkersState, loop_of_workers
from tests.conftest import examples
from tests.random_circuits.mutants import mutated
from tests.verify.certificate.team_parts import APART
from tests.verify.certificate.teams import Team, agrees, claimed, team

Place = tuple[str, int]
LANES = ("word", "own", "read", "number", "mask", "base", "seen", "pc", "zero")
PLACES = st.tuples(st.sampled_from(LANES), st.integers(0, 3))


def wired(address: list[Place], nexts: list[Place], when: Place | None, lost: Place) -> Circuit:
    """A write to an address of any lanes, and registers that get any lanes as next values."""

    def parts(t: Team) -> None:
        def chosen(name: str, places: list[Place]) -> Word:
            words: list[Word] = [getattr(t, word) for word, _ in places]
            lanes = (w[i % len(w)] for w, (_, i) in zip(words, places, strict=True))
            return t.m.let(name, Word(name, tuple(lanes)))

        flag = None if when is None else chosen("flag", [when])
        t.m.write("any", chosen("at", address), t.read, when=flag)
        t.m.next(t.base, chosen("base of", nexts[:4]))
        t.m.next(t.pc, chosen("pc of", [("pc", 0), ("pc", 2), *nexts[4:]]))
        t.m.next(t.number, chosen("number of", [("number", 0), lost]))

    return team(parts)


CIRCUITS = st.builds(
    wired,
    st.lists(PLACES, min_size=4, max_size=4),
    st.lists(PLACES, min_size=6, max_size=6),
    st.one_of(st.none(), PLACES),
    st.one_of(st.just(("number", 1)), PLACES),
)


def never_wrong(circuit: Circuit, workers: int) -> None:
    """If the claims hold, workers do not meet in any of many programs, which `loop_of_workers`
    checks, and take the same branches."""
    if claimed(circuit, workers):
        return
    event("certified")
    for seed in range(20):
        words = seeds.generator(seed).integers(0, 16, 16).tolist()
        begins = dict.fromkeys((r.name for r in circuit.registers), 0)
        begins |= {"pc": seed % 16, "mask": workers - 1}
        state = WorkersState(words, [], [{**begins, "number": w} for w in range(workers)])
        for _ in range(6):
            state = loop_of_workers(circuit, state)
            assert len({cpu["pc"] for cpu in state.cpus}) == 1
            assert [cpu["number"] % workers for cpu in state.cpus] == [*range(workers)]


@given(CIRCUITS, st.sampled_from([2, 4]))
@examples(0.12)
def test_what_is_not_refused_never_meets(circuit: Circuit, workers: int) -> None:
    never_wrong(circuit, workers)


@pytest.mark.slow
@given(CIRCUITS, st.sampled_from([2, 4]))
@examples(3)
def test_hundreds_that_are_not_refused(circuit: Circuit, workers: int) -> None:
    never_wrong(circuit, workers)


def harmless(number: int) -> bool:
    """Whether a mutant of a machine with four workers is refused or right in a few programs."""
    rng = seeds.rng(f"mutants with workers {number}")
    circuit = team(APART[rng.choice(["own places", "one worker", "a register that agrees"])])
    machine = compile_circuit(circuit, workers=4)
    name, mutant = mutated(machine, rng)
    if not certify(mutant, circuit).certified("float32"):
        return True
    print(f"certified: {name}")
    return all(agrees(mutant, circuit, seed) for seed in range(6))


@pytest.mark.parametrize("number", range(6))
def test_a_mutant_that_is_certified_is_right(number: int) -> None:
    assert harmless(number)


@pytest.mark.slow
def test_hundreds_of_mutants() -> None:
    assert all(harmless(number) for number in range(120))
