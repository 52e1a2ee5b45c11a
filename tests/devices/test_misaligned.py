"""Loads and stores at any address: the host executes them, byte by byte as the manual says."""

from __future__ import annotations

import itertools

import pytest

from looped.devices import ControlRegisters, Syscalls
from looped.engines.event import EventEngine
from looped.environment import Environment
from looped.image import Image
from looped.isa.rv32i import encode
from looped.verify.lockstep import Mismatch, lockstep
from tests.conftest import compiled
from tests.devices.words import MEMORY, Words

LOADS = {"lh": (2, True), "lhu": (2, False), "lw": (4, True)}
STORES = {"sh": 2, "sw": 4}
VALUE = 0xFEDCBA98


def trapped(word: int, address: int, cause: int) -> Words:
    port = Words(0, cause=cause)
    port.words[2] = word
    port.registers[6], port.registers[7] = address, VALUE
    return port


def content(port: Words) -> bytearray:
    return bytearray(b"".join(word.to_bytes(4, "little") for word in port.words))


@pytest.mark.parametrize(("name", "at"), itertools.product(LOADS, (21, 22, 23, 25, 27)))
def test_loads(name: str, at: int) -> None:
    size, signed = LOADS[name]
    port = trapped(encode(name, 5, 6, imm=-3), at + 3, 4)
    before = content(port)
    ControlRegisters(Syscalls(b"", 0)).serve(port)
    wanted = int.from_bytes(before[at : at + size], "little", signed=signed)
    assert port.registers[5] == wanted & 0xFFFFFFFF
    assert content(port) == before
    assert port.named == {"pc": 12, "trap": 0, "cause": 0}


@pytest.mark.parametrize(("name", "at"), itertools.product(STORES, (21, 22, 23, 25, 27)))
def test_stores(name: str, at: int) -> None:
    size = STORES[name]
    port = trapped(encode(name, rs1=6, rs2=7, imm=5), at - 5, 6)
    wanted = content(port)
    wanted[at : at + size] = VALUE.to_bytes(4, "little")[:size]
    ControlRegisters(Syscalls(b"", 0)).serve(port)
    assert content(port) == wanted
    assert port.named == {"pc": 12, "trap": 0, "cause": 0}


@pytest.mark.parametrize("at", [4 * MEMORY - 3, 4 * MEMORY - 1, 4 * MEMORY + 1, 0xFFFFFFFF])
def test_what_is_partly_outside_stays_a_trap(at: int) -> None:
    for word, cause in ((encode("lw", 5, 6), 4), (encode("sw", rs1=6, rs2=7), 6)):
        port = trapped(word, at, cause)
        before = content(port)
        ControlRegisters(Syscalls(b"", 0)).serve(port)
        assert port.named == {"pc": 8, "trap": 1, "cause": cause}
        assert content(port) == before


def test_a_person_may_want_the_trap() -> None:
    port = trapped(encode("lw", 5, 6), 21, 4)
    ControlRegisters(Syscalls(b"", 0), Environment(emulates_misaligned=False)).serve(port)
    assert port.named == {"pc": 8, "trap": 1, "cause": 4}


def program() -> Image:
    words = [
        encode("lw", 5, 0, imm=1),
        encode("sw", rs1=0, rs2=5, imm=91),
        encode("lhu", 7, 0, imm=93),
        encode("ebreak"),
    ]
    return Image("rv32i", 32, tuple(words), addresses_per_word=4)


def test_in_lockstep_with_the_reference_in_both_ways() -> None:
    machine = compiled("rv32i", 32, 32)
    for emulates, steps in ((True, 4), (False, 1)):
        around = Environment(emulates)
        found = lockstep(machine, EventEngine(machine), [program()], [b""], environment=around)
        assert (found.halted, found.steps) == (True, steps)


def test_a_wrong_host_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("looped.devices.csr.execute_access", lambda port: True)
    machine = compiled("rv32i", 32, 32)
    with pytest.raises(Mismatch):
        lockstep(machine, EventEngine(machine), [program()], [b""])
