"""What the certificate says of FLEQ with one worker."""

from __future__ import annotations

import pytest

from looped.machines.fleq.machine import describe
from looped.verify.certificate import certify
from tests.machines.fleq.stepping import Setting, fleq


@pytest.mark.slow
def test_the_machine_with_one_worker_is_certified() -> None:
    found = certify(fleq(Setting(8)), describe(32, 9))
    assert [claim.fault for claim in found.claims if not claim.holds] == []
    assert found.certified("float32") and found.certified("float64")


@pytest.mark.slow
def test_several_workers_are_refused() -> None:
    found = certify(fleq(Setting(8, workers=16)), describe(32, 9))
    faults = [claim.fault for claim in found.claims if not claim.holds]
    assert faults == ["it has 16 CPU columns, but the proof covers one"]
