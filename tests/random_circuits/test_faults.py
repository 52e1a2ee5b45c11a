"""The fuzzer finds every fault that is put back."""

from __future__ import annotations

import pytest

from tests.random_circuits.campaign import campaign
from tests.random_circuits.faults import FAULTS
from tests.random_circuits.trial import FailureError


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_is_put_back_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what engines do, with no help of the checks between the passes."""
    monkeypatch.setenv("LOOPED_CHECK", "0")
    fault = FAULTS[name]
    fault.put_back(monkeypatch)
    every = 1 if fault.lifted else fault.circuits + 1
    with pytest.raises(FailureError) as caught:
        campaign(fault.circuits, fault.seed, every, fault.attempt, shrink=False)
    print(caught.value)
    assert fault.what in caught.value.what
