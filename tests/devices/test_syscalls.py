"""System calls: what each does to registers and memory, and that it touches nothing else."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from looped import registry
from looped.artefact.plan import CompiledMachine
from looped.devices import ControlRegisters, Syscalls, riscv_host
from looped.devices.host import ColumnPort
from looped.engines.dense import DenseEngine
from looped.image import Image, Location
from looped.isa.rv32i import encode
from looped.run.computer import Computer
from looped.verify.lockstep import lockstep
from tests.devices.words import MEMORY, Words


@pytest.mark.parametrize("descriptor", [1, 2])
@pytest.mark.parametrize(("start", "count"), [(0, 0), (0, 4), (3, 6), (250, 6)])
def test_write_gives_bytes_of_memory(descriptor: int, start: int, count: int) -> None:
    port = Words(64, descriptor, start, count)
    assert Syscalls(b"", 0).serve(port) == bytes(range(start, start + count))
    assert port.result == count


def test_read_brings_the_next_bytes() -> None:
    host = Syscalls(b"hello", 0)
    first, second = Words(63, 0, 5, 3), Words(63, 0, 8, 9)
    untouched = list(first.words)
    assert host.serve(first) == host.serve(second) == b""
    assert (first.result, second.result) == (3, 2)
    assert first.words[1] == 0x04 | ord("h") << 8 | ord("e") << 16 | ord("l") << 24
    assert first.words[2:] == untouched[2:]
    assert second.words[2] == 0x0B0A0000 | ord("l") | ord("o") << 8
    at_end = Words(63, 0, 0, 4)
    host.serve(at_end)
    assert at_end.result == 0


def test_a_stream_is_read_byte_by_byte() -> None:
    stream = io.BytesIO(b"xy")
    port = Words(63, 0, 0, 100)
    Syscalls(stream, 0).serve(port)
    assert port.result == 1 and stream.tell() == 1


def test_break_moves_the_end_of_the_heap_within_memory() -> None:
    host = Syscalls(b"", 96)
    for asked, expected in [(0, 96), (128, 128), (95, 128), (4 * MEMORY + 1, 128), (96, 96)]:
        port = Words(214, asked)
        host.serve(port)
        assert port.result == expected


@pytest.mark.parametrize(
    ("number", "arguments", "error"),
    [
        (64, (0, 0, 1), 9),
        (64, (1, 255, 2), 14),
        (63, (1, 0, 1), 9),
        (63, (0, 1 << 30, 1), 14),
        (57, (1,), 38),
    ],
)
def test_errors_are_negative_results(number: int, arguments: tuple[int, ...], error: int) -> None:
    port = Words(number, *arguments)
    assert Syscalls(b"input", 0).serve(port) == b""
    assert port.result == -error


def test_exit_leaves_the_machine_as_it_is() -> None:
    host, port = Syscalls(b"", 0), Words(93, 7)
    assert host.serve(port) == b""
    assert host.exit_code == 7
    assert port.named == {"pc": 8, "trap": 1, "cause": 11}


def test_other_traps_are_not_served() -> None:
    port = Words(64, 1, 0, 4, cause=3)
    assert Syscalls(b"", 0).serve(port) == b""
    assert port.named["trap"] == 1


def test_the_heap_begins_behind_the_program() -> None:
    image = Image("rv32i", 32, (0,) * 5, addresses_per_word=4)
    host = riscv_host(image, b"")
    assert host is not None and host.calls.start == 32
    marked = replace(image, symbols={"_end": 100})
    for linked, start in ((False, 32), (True, 112)):
        host = riscv_host(replace(marked, linked=linked), b"")
        assert host is not None and host.calls.start == start
    assert registry.host_for(Image("subleq", 16, (0,)), b"") is None


def echo() -> Image:
    """Read up to 5 bytes to address 0x61, write them, exit with 7."""

    def call(number: int, *arguments: int) -> list[int]:
        loads = [encode("addi", 10 + i, 0, imm=a) for i, a in enumerate(arguments)]
        return [*loads, encode("addi", 17, 0, imm=number), encode("ecall")]

    length = encode("addi", 5, 10)
    write = [*call(64, 1, 0x61)[:-1], encode("addi", 12, 5), encode("ecall")]
    words = [*call(63, 0, 0x61, 5), length, *write, *call(93, 7)]
    return Image("rv32i", 32, tuple(words), addresses_per_word=4)


def test_a_program_echoes_in_lockstep_with_the_reference(machine) -> None:
    compiled: CompiledMachine = machine("rv32i", 32, 32)
    verdict = lockstep(compiled, DenseEngine(compiled), [echo()] * 2, [b"hello world", b"ab"])
    assert verdict.halted
    assert verdict.outputs == (b"hello", b"ab")


def test_a_computer_reports_what_the_host_puts_out(machine) -> None:
    compiled: CompiledMachine = machine("rv32i", 32, 32)
    image = echo()
    host = Syscalls(b"hi", 0)
    computer = Computer(
        compiled.plan, DenseEngine(compiled), [image.words], [b""], [image.entry], [host]
    )
    events = []
    while not computer.halted():
        events += computer.step()
    assert b"".join(event.written for event in events) == b"hi"
    assert host.exit_code == 7
    assert [event.next_pc - event.pc for event in events[:-1]] == [4] * (len(events) - 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([19, 0x00100073], "trap at 0x4 (p.s:2): a breakpoint: 0x00100073, `ebreak`"),
        ([19, 0], "trap at 0x4 (p.s:2): not an instruction of rv32i: 0x00000000"),
        (
            [0x02C58533],
            "trap at 0x0 (p.s:1): not an instruction of rv32i: 0x02c58533, "
            "`mul` of rv32im: try --machine rv32im",
        ),
        (
            [0x00014501],
            "trap at 0x0 (p.s:1): not an instruction of rv32i: 0x4501, compressed: build with "
            "-march=rv32im",
        ),
        (
            [encode("jal", imm=6)],
            "trap at 0x0 (p.s:1): a jump to an address that is not a multiple of 4 (compressed: "
            "build with -march=rv32im?): 0x0060006f, `jal`",
        ),
        (
            [encode("sw", rs1=0, rs2=1, imm=128)],
            "trap at 0x0 (p.s:1): a store outside memory: 0x08102023, `sw` at address 0x80; "
            "memory is 0x0 to 0x7f: --memory 64 doubles it",
        ),
        (
            [encode("jal", imm=256)],
            "trap at 0x100: a fetch from outside memory; memory is 0x0 to 0x7f: --memory 64 "
            "doubles it",
        ),
    ],
)
def test_a_trap_is_told_with_its_place(words: list[int], message: str, machine) -> None:
    places = tuple(Location("p.s", line) for line, _ in enumerate(words, 1))
    image = Image("rv32i", 32, tuple(words), {}, places, addresses_per_word=4)
    compiled: CompiledMachine = machine("rv32i", 32, 32)
    engine, host = DenseEngine(compiled), riscv_host(image, b"")
    computer = Computer(compiled.plan, engine, [image.words], [b""], [0], [host])
    while not computer.halted():
        computer.step()
    assert registry.unserved_trap(image, host, ColumnPort(compiled.plan, engine, 0)) == message


def test_exit_is_no_trap_to_tell() -> None:
    host = ControlRegisters(Syscalls(b"", 0))
    host.serve(Words(93, 0))
    assert registry.unserved_trap(echo(), host, Words(93, 0)) is None
