"""RV32I on the event engine: every instruction in thousands of states, the whole state compared."""

from __future__ import annotations

import pytest

from looped.isa.rv32i import INSTRUCTIONS
from tests import seeds
from tests.machines.rv32i_stepping import Stepping

MEMORY = 32
EVERY = [*INSTRUCTIONS, None]
FEW, MANY, FRESH = 20, 10_000, 1000


def differences(machine, mnemonic: str | None, count: int) -> list[str]:
    """What differs in so many cases of an instruction; memory is all new every FRESH cases."""
    rng = seeds.rng(f"stepping {mnemonic}")
    found = []
    for first in range(0, count, FRESH):
        stepping = Stepping(machine("rv32i", 32, MEMORY), rng)
        cases = (stepping.case(mnemonic) for _ in range(min(FRESH, count - first)))
        found += [message for message in cases if message is not None]
        assert stepping.engine.fallbacks == 0
    return found


def test_a_difference_is_told(machine) -> None:
    stepping = Stepping(machine("rv32i", 32, MEMORY), seeds.rng(0))
    stepping.hart.x[5] ^= 1
    stepping.expected.set(MEMORY + 5, "value", stepping.hart.x[5])
    assert "x5" in (stepping.case("fence") or "")


def test_every_instruction_on_the_event_engine(machine) -> None:
    rng = seeds.rng(1)
    stepping = Stepping(machine("rv32i", 32, MEMORY), rng)
    messages = [stepping.case(mnemonic) for mnemonic in EVERY * FEW]
    assert [m for m in messages if m is not None] == []
    assert stepping.engine.fallbacks == 0


@pytest.mark.slow
@pytest.mark.parametrize("mnemonic", EVERY)
def test_every_instruction_ten_thousand_times(mnemonic: str | None, machine) -> None:
    assert differences(machine, mnemonic, MANY) == []
