"""A claim that the solver does not decide in its time is named; what follows from it is proved."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import z3

from looped import registry
from looped.symbolic.cases import Case
from looped.symbolic.loop import Claim
from looped.verify.prove import prover

x, y = (z3.BitVec(name, 32) for name in "xy")
FACTORS = z3.And(z3.UGT(x, 1), z3.UGT(y, 1), z3.ZeroExt(32, x) * z3.ZeroExt(32, y) == 2**61 - 1)
HARD = Claim("no factors", z3.Not(FACTORS))


def test_what_follows_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    easy = Claim("no bit is lost", z3.LShR(z3.ZeroExt(1, x) << 1, 1) == z3.ZeroExt(1, x))
    cases = [Case("any state", (), (HARD, easy))]
    circuit = registry.machine("subleq").circuit(8, 32)
    described = SimpleNamespace(prover_cases=lambda loop: cases)
    monkeypatch.setattr(prover.registry, "machine", lambda name: described)
    with pytest.raises(prover.Undecided, match="`no factors` in any state") as found:
        prover.prove(circuit, seconds=2)
    assert found.value.claims == (("any state", "no factors"),)
