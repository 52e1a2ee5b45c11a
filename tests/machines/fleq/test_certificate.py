"""What the certificate says of FLEQ: blocks are proved, the machine as a whole is refused."""

from __future__ import annotations

import pytest

from looped.machines.fleq.machine import describe
from looped.verify.certificate import certify
from tests.machines.fleq.stepping import Setting, fleq


@pytest.mark.slow
def test_blocks_are_proved_and_the_machine_is_refused() -> None:
    certificate = certify(fleq(Setting(8)), describe(32, 9))
    failed = {claim.part: str(claim.fault) for claim in certificate.claims if not claim.holds}
    assert failed == {
        "working registers": "`accumulator.0` may be left",
        "instructions": "no register is found that counts its loops to an end",
    }
