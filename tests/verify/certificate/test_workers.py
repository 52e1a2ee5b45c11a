"""Several CPU columns: certified where no two of them write to one column, refused elsewhere."""

from __future__ import annotations

import pytest

from looped.passes.emit import compile_circuit
from looped.verify.certificate import certify
from tests.circuit.workers import adders
from tests.verify.certificate.team_parts import APART, MEETING, PARTING, TOGETHER
from tests.verify.certificate.teams import agrees, claimed, team


@pytest.mark.parametrize("name", APART)
def test_workers_that_never_meet_are_certified(name: str) -> None:
    circuit = team(APART[name])
    machine = compile_circuit(circuit, workers=4)
    found = certify(machine, circuit)
    assert [claim.fault for claim in found.claims if not claim.holds] == []
    assert found.certified("float32") and found.certified("float64")
    assert [claim.part for claim in found.claims].count("workers") == 4
    assert claimed(circuit, 2) == []
    assert len(circuit.writes) > 1 or agrees(machine, circuit)


@pytest.mark.parametrize("name", [*MEETING, *PARTING])
def test_workers_that_meet_or_part_are_refused(name: str) -> None:
    """With one worker the same circuit has no such claims."""
    part, why = {**MEETING, **PARTING}[name]
    parts = (part,) if name in MEETING else (part, APART["own places"])
    circuit = team(*parts)
    found = claimed(circuit, 4)
    assert found and found[0].startswith(why)
    assert claimed(circuit, 1) == []


def test_what_a_host_may_set_in_one_worker_may_differ() -> None:
    own = APART["own places"]
    assert claimed(team(own, TOGETHER), 4) == []
    assert claimed(team(own, TOGETHER, pins=True), 4)[0] == "`pc.0` may differ between workers"


@pytest.mark.parametrize("name", ["a number that is shifted out", "half of the number"])
def test_what_is_wrong_with_four_may_be_right_with_two(name: str) -> None:
    assert claimed(team(MEETING[name][0]), 2) == []


@pytest.mark.parametrize(("bits", "most"), [(1, 2), (2, 4)])
def test_a_memory_for_fewer_workers_than_numbers(bits: int, most: int) -> None:
    """Addresses are numbers modulo the size of memory."""
    circuit = team(lambda t: t.write("own", t.low(t.number)), bits=bits)
    assert claimed(circuit, most) == []
    assert bool(claimed(circuit, 4)) == (most < 4)


@pytest.mark.parametrize("flagged", [True, False])
def test_a_register_file_that_workers_share(flagged: bool) -> None:
    """A place may be one of memory or of the file."""
    circuit = adders(register_bits=2, flagged=flagged)
    assert certify(compile_circuit(circuit, workers=4), circuit).certified("float32")
    same = adders(register_bits=2, flagged=flagged, apart=False)
    assert claimed(same, 2) == ["`total` of a worker may meet `total` of another"]
