"""Instructions of several loops: that they end is shown from a register that counts them."""

from __future__ import annotations

from looped.machines import MACHINES
from looped.verify.certificate.instructions import instruction_claims
from looped.verify.certificate.subject import Subject
from tests.conftest import compiled


def test_products_and_quotients_take_34_loops_and_leave_nothing() -> None:
    subject = Subject.of(compiled("rv32im", 32, 32), MACHINES["rv32im"].circuit(32, 32))
    found = list(instruction_claims(subject))
    assert [claim.fault for claim in found] == [None, None]
    assert found[1].statement == "an instruction takes 34 loops at most, for all operands"


def test_without_a_register_that_counts_nothing_is_shown_to_end() -> None:
    circuit = MACHINES["rv32im"].circuit(32, 32)
    circuit.working = tuple(word for word in circuit.working if len(word) == 1)
    subject = Subject.of(compiled("rv32im", 32, 32), circuit)
    faults = [claim.fault for claim in instruction_claims(subject)]
    assert faults[1] == "no register is found that counts its loops to an end"
