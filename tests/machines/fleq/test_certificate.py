"""What the certificate says of FLEQ, with one worker and with several."""

from __future__ import annotations

import pytest

from looped.machines.fleq.machine import describe
from looped.verify.certificate import certify
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.workers import worker_claims
from tests.machines.fleq.stepping import Setting, fleq


def test_four_workers_take_the_same_loops_and_never_meet() -> None:
    context = ProofContext.of(fleq(Setting(2, workers=4)), describe(32, 9, side=2))
    claims = list(worker_claims(context))
    assert len(claims) == 4 and [claim.fault for claim in claims if not claim.holds] == []


@pytest.mark.slow
@pytest.mark.parametrize(("side", "workers"), [(8, 1), (8, 16), (2, 4)])
def test_the_machine_is_certified(side: int, workers: int) -> None:
    found = certify(fleq(Setting(side, workers=workers)), describe(32, 9, side=side))
    assert [claim.fault for claim in found.claims if not claim.holds] == []
    assert found.certified("float32") and found.certified("float64")


@pytest.mark.slow
@pytest.mark.parametrize("side", [2, 4, 8, 16])
def test_any_number_of_workers_never_meet(side: int) -> None:
    """The claims about workers alone, for each count that a machine may have."""
    machine, circuit = fleq(Setting(side)), describe(32, 9, side=side)
    for bits in range(1, 2 * (side.bit_length() - 1) + 1):
        claims = worker_claims(ProofContext.of(machine.with_workers(1 << bits), circuit))
        assert [claim.fault for claim in claims if not claim.holds] == []
