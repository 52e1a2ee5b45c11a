"""CSR instructions and MRET, as the host carries them out."""

from __future__ import annotations

import json

import pytest

from looped.devices import ControlRegisters, Syscalls, riscv_host
from looped.engines.dense import DenseEngine
from looped.image import Image
from looped.isa.rv32i import encode
from looped.verify.lockstep import lockstep
from tests.devices.words import Words

MTVEC, MSCRATCH, MEPC, MCAUSE, MHARTID = 0x305, 0x340, 0x341, 0x342, 0xF14
WRITE, SET, CLEAR, IMMEDIATE = 1, 2, 3, 4
MRET = 0x30200073


def access(kind: int, number: int, rd: int, source: int) -> int:
    return number << 20 | source << 15 | kind << 12 | rd << 7 | 0x73


def trapped(word: int, **registers: int) -> Words:
    port = Words(0, cause=2)
    port.words[2] = word
    for name, value in registers.items():
        port.registers[int(name.removeprefix("x"))] = value
    return port


def served(host: ControlRegisters, word: int, **registers: int) -> Words:
    port = trapped(word, **registers)
    assert host.serve(port) == b""
    assert port.named == {"pc": 12, "trap": 0, "cause": 0}
    return port


def test_writes_sets_and_clears_return_the_old_value() -> None:
    host = ControlRegisters(Syscalls(b"", 0))
    assert served(host, access(WRITE, MSCRATCH, 5, 6), x6=0b1100).registers[5] == 0
    assert served(host, access(SET, MSCRATCH, 5, 6), x6=0b0110).registers[5] == 0b1100
    assert served(host, access(CLEAR, MSCRATCH, 5, 6), x6=0b0100).registers[5] == 0b1110
    assert served(host, access(SET, MSCRATCH, 5, 0)).registers[5] == 0b1010
    assert host.emulated == 4


def test_the_immediate_forms_take_a_number() -> None:
    host = ControlRegisters(Syscalls(b"", 0))
    served(host, access(WRITE | IMMEDIATE, MSCRATCH, 0, 31), x31=7)
    assert host.values[MSCRATCH] == 31
    assert served(host, access(CLEAR | IMMEDIATE, MSCRATCH, 1, 1)).registers[1] == 31
    assert host.values[MSCRATCH] == 30


def test_x0_is_not_written() -> None:
    host = ControlRegisters(Syscalls(b"", 0))
    served(host, access(WRITE, MSCRATCH, 0, 6), x6=9)
    assert served(host, access(SET, MSCRATCH, 0, 0)).registers[0] == 0


def test_the_hart_is_number_zero() -> None:
    host = ControlRegisters(Syscalls(b"", 0))
    assert served(host, access(SET, MHARTID, 5, 0), x5=1).registers[5] == 0


@pytest.mark.parametrize("number", [MHARTID, 0xC00, 0xC82, 0xFFF])
def test_a_write_to_a_read_only_register_is_illegal(number: int) -> None:
    """CSRRS and CSRRC write unless their operand is x0, or the number 0."""
    for kind in (WRITE, SET, CLEAR):
        for immediate in (0, IMMEDIATE):
            host, port = ControlRegisters(Syscalls(b"", 0)), trapped(0, x6=0)
            port.words[2] = access(kind | immediate, number, 5, 6)
            host.serve(port)
            assert port.named == {"pc": 8, "trap": 1, "cause": 2}
            assert port.registers[5] == 0
            if kind != WRITE:
                served(host, access(kind | immediate, number, 5, 0))


COUNTERS = (0xC00, 0xC01, 0xC02, 0xB00, 0xB02)


@pytest.mark.parametrize("number", COUNTERS)
def test_counters_count_the_instructions_before(number: int) -> None:
    host, port = ControlRegisters(Syscalls(b"", 0)), trapped(access(SET, number, 5, 0))
    port.executed = (3 << 32) + 18
    host.serve(port)
    assert port.registers[5] == 17
    port = trapped(access(SET, number + 0x80, 5, 0))
    port.executed = (3 << 32) + 18
    host.serve(port)
    assert port.registers[5] == 3


def test_a_counter_that_is_set_counts_on() -> None:
    host = ControlRegisters(Syscalls(b"", 0))
    found = []
    for executed, kind, number in [
        (1, WRITE, 0xB82),
        (2, WRITE, 0xB02),
        (3, SET, 0xC02),
        (9, SET, 0xC02),
        (9, SET, 0xC82),
        (9, SET, 0xC00),
    ]:
        port = trapped(access(kind, number, 5, 0 if kind == SET else 6), x6=100)
        port.executed = executed
        host.serve(port)
        found.append(port.registers[5])
    assert found == [0, 0, 100, 106, 100, 8]


def test_waiting_for_an_interrupt_does_nothing() -> None:
    served(ControlRegisters(Syscalls(b"", 0)), 0x10500073)


def test_mret_goes_to_mepc() -> None:
    host = ControlRegisters(Syscalls(b"", 0))
    served(host, access(WRITE, MEPC, 0, 6), x6=0x44)
    port = trapped(MRET)
    host.serve(port)
    assert port.named == {"pc": 0x44, "trap": 0, "cause": 0}


def test_fence_i_does_nothing() -> None:
    host = ControlRegisters(Syscalls(b"", 0))
    served(host, 0x0000100F)
    assert host.emulated == 1


@pytest.mark.parametrize("cause", [0, 2, 3, 4, 5, 6, 7, 11])
def test_traps_go_to_mtvec_once_it_is_set(cause: int) -> None:
    host = ControlRegisters(Syscalls(b"", 0))
    served(host, access(WRITE, MTVEC, 0, 6), x6=0x43)
    port = trapped(0)
    port.named["cause"] = cause
    host.serve(port)
    assert port.named == {"pc": 0x40, "trap": 0, "cause": 0}
    assert served(host, access(SET, MEPC, 5, 0)).registers[5] == 8
    assert served(host, access(SET, MCAUSE, 5, 0)).registers[5] == cause
    assert host.emulated == 3


def test_a_handler_outside_memory_is_a_trap_that_stays() -> None:
    host = ControlRegisters(Syscalls(b"", 0))
    served(host, access(WRITE, MTVEC, 0, 6), x6=0x4000)
    port = trapped(0)
    host.serve(port)
    assert port.named == {"pc": 0x4000, "trap": 1, "cause": 1}


@pytest.mark.parametrize("word", [0, 0x30200073 | 1 << 7, 0x10500073 | 1 << 7, 0xFFFFFFFF])
def test_other_illegal_instructions_stay_traps(word: int) -> None:
    port = trapped(word)
    assert ControlRegisters(Syscalls(b"", 0)).serve(port) == b""
    assert port.named == {"pc": 8, "trap": 1, "cause": 2}


def test_start_up_code_in_lockstep_with_the_reference(machine) -> None:
    """Set mepc, look at mhartid, return to where mepc says, exit."""
    words = [
        encode("addi", 6, 0, imm=20),
        access(WRITE, MEPC, 0, 6),
        access(SET, MHARTID, 5, 0),
        MRET,
        0,
        encode("addi", 17, 0, imm=93),
        encode("ecall"),
    ]
    image = Image("rv32i", 32, tuple(words), addresses_per_word=4)
    compiled = machine("rv32i", 32, 32)
    verdict = lockstep(compiled, DenseEngine(compiled), [image], [b""])
    assert (verdict.steps, verdict.halted) == (6, True)


def test_programs_get_such_a_host() -> None:
    assert isinstance(riscv_host(Image("rv32i", 32, (0,)), b""), ControlRegisters)


def test_its_state_goes_through_json_into_another_host() -> None:
    host, other = (ControlRegisters(Syscalls(b"", 64)) for _ in range(2))
    served(host, access(WRITE, MSCRATCH, 0, 6), x6=77)
    host.calls.end, host.calls.exit_code = 128, 3
    other.restore(json.loads(json.dumps(host.snapshot())))
    assert other.snapshot() == host.snapshot()
    assert served(other, access(SET, MSCRATCH, 5, 0)).registers[5] == 77
    assert (other.calls.end, other.exit_code) == (128, 3)
