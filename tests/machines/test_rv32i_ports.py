"""Every unit of RV32I declares its ports: typed fields, each of which its table lists."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from looped.machines.rv32i import (
    alu,
    branch,
    control,
    core,
    decode,
    extension,
    load_store,
    registers,
    shifter,
    write_back,
)

PORTS: list[Any] = [
    alu.AluInputs,
    alu.AluOutputs,
    branch.BranchInputs,
    branch.BranchOutputs,
    control.ControlInputs,
    control.ControlOutputs,
    core.Datapath,
    core.Fetched,
    decode.DecodeInputs,
    decode.Decoded,
    extension.OperandPorts,
    load_store.LoadStoreInputs,
    load_store.LoadStoreOutputs,
    registers.Operands,
    registers.RegisterInputs,
    shifter.ShifterInputs,
    shifter.ShifterOutputs,
    write_back.WriteInputs,
    write_back.WriteOutputs,
]


@pytest.mark.parametrize("ports", PORTS, ids=lambda ports: ports.__name__)
def test_the_table_lists_every_port(ports: Any) -> None:
    """In the order of the fields; the first column of the table has names of ports only."""
    rows = re.findall(r"^ *\|([^|]*)\|", ports.__doc__, re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    names = [field.name for field in dataclasses.fields(ports)]
    assert sorted(listed) == sorted(names)


@pytest.mark.parametrize("ports", PORTS, ids=lambda ports: ports.__name__)
def test_ports_are_typed_and_cannot_be_changed(ports: Any) -> None:
    assert ports.__dataclass_params__.frozen
    assert not [f.name for f in dataclasses.fields(ports) if "str" in f.type or "Any" in f.type]
