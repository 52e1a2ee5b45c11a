"""A fault in a host of the transformer is seen in a lockstep run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import looped.devices.csr as csr
import looped.devices.syscalls as syscalls
from looped.devices import ControlRegisters, Htif
from looped.devices.process import Process
from looped.engines.event import EventEngine
from looped.errors import Source
from looped.image import Image
from looped.registry import assemble
from looped.run.computer import Computer
from looped.run.panel import Panel
from looped.verify.lockstep import Mismatch, lockstep
from tests.conftest import compiled

MEMORY = 128

CALLS = """
        li a0, 1
        la a1, text
        li a2, 5
        li a7, 64
        ecall                   # write
        li a0, 3
        ecall                   # to no such file
        li a0, 1
        li a2, 9999
        ecall                   # from beyond memory
        li a0, 0
        la a1, buffer
        addi a1, a1, 1
        li a2, 6
        li a7, 63
        ecall                   # read
        lw s0, -1(a1)
        li a0, 0
        ecall                   # read what is left
        li a0, 0
        ecall                   # read at the end
        li a0, 1
        ecall                   # read from no such file
        li a0, 0
        li a7, 214
        ecall                   # brk
        addi a0, a0, 16
        ecall
        lui a0, 16
        ecall
        li a7, 999
        ecall                   # no such call
        li a0, 556
        li a7, 93
        ecall                   # exit
text:   .ascii "hello"
        .balign 4
buffer: .word 0, 0, 0
"""


def _access(function: int, number: int, rd: int, source: int) -> str:
    return f".word {number << 20 | source << 15 | function << 12 | rd << 7 | 0x73}\n"


REGISTERS = f"""
        li x6, 0x0f0
        {_access(1, 0x340, 7, 6)}
        {_access(2, 0x340, 7, 6)}
        li x6, 0x030
        {_access(3, 0x340, 7, 6)}
        {_access(6, 0x340, 7, 3)}
        {_access(2, 0x340, 7, 0)}
        {_access(2, 0xF14, 7, 0)}
        la x6, handler
        {_access(1, 0x305, 0, 6)}
        {_access(1, 0xF14, 7, 6)}
        ecall
        {_access(5, 0x305, 0, 0)}
        li a0, 3
        li a7, 93
        ecall
handler:
        {_access(2, 0x342, 8, 0)}
        {_access(2, 0x341, 9, 0)}
        addi x9, x9, 4
        {_access(1, 0x341, 0, 9)}
        .word 0x100f
        .word 0x30200073
"""

TOHOST = """
        li t0, 515
        la t1, tohost
        sw t0, 0(t1)
end:    j end
tohost: .word 0
"""

PROGRAMS = {"calls": CALLS, "registers": REGISTERS, "tohost": TOHOST}
DATA = b"abcdefgh"


def image_of(name: str) -> Image:
    return assemble(Source(f"{name}.s", PROGRAMS[name]), machine="rv32i")


def verify(name: str) -> bytes:
    machine = compiled("rv32i", 32, MEMORY)
    verdict = lockstep(machine, EventEngine(machine), [image_of(name)], [DATA], 400)
    assert verdict.halted
    return verdict.outputs[0]


@pytest.mark.parametrize("name", PROGRAMS)
def test_hosts_do_what_the_reference_says(name: str) -> None:
    assert verify(name) == (b"hello" if name == "calls" else b"")


def wrapped(owner: Any, name: str, change: Callable[..., Any]) -> Callable[[Any], None]:
    """A fault: the method of a class gives what `change` makes of its result."""
    real = getattr(owner, name)

    def put(patch: Any) -> None:
        patch.setattr(owner, name, lambda *a: change(real(*a), *a))

    return put


def assigned(owner: Any, name: str, value: object) -> Callable[[Any], None]:
    return lambda patch: patch.setattr(owner, name, value)


def _forget(self: ControlRegisters, port: Any, word: int) -> bool:
    if word >> 7 & 31:
        port.set_register(word >> 7 & 31, self.values.get(word >> 20, 0))
    return True


def _off_by_one(result: int, self: Any, *rest: Any) -> int:
    self.emulated += 1
    return result


def _old_break(process: Process, port: Any, end: int, *unused: int) -> int:
    old = process.end
    if process.start <= end <= 4 * port.size:
        process.end = end
    return old


def called(number: int, change: Callable[..., Any]) -> Callable[[Any], None]:
    """A fault: the system call with a number gives what `change` makes of its result."""
    real = syscalls._CALLS[number]
    return lambda patch: patch.setitem(syscalls._CALLS, number, lambda *a: change(real(*a)))


def refused(number: int, wrong: int) -> Callable[[Any], None]:
    """A fault: one error number is another."""
    real = syscalls.Refusal

    def put(patch: Any) -> None:
        made = real.__init__
        patch.setattr(real, "__init__", lambda self, n: made(self, wrong if n == number else n))

    return put


def exchanged(patch: Any) -> None:
    patch.setattr(csr, "_SET", csr._CLEAR)
    patch.setattr(csr, "_CLEAR", 2)


FAULTS = {
    "write reverses its bytes": (
        "calls",
        called(64, lambda r: (r[0], r[1][::-1])),
        "the text of the devices",
    ),
    "write drops a byte": (
        "calls",
        called(64, lambda r: (r[0], r[1][1:])),
        "the text of the devices",
    ),
    "write returns one too few": (
        "calls",
        called(64, lambda r: (r[0] - (r[0] > 0), r[1])),
        "x10",
    ),
    "read returns one too many": (
        "calls",
        called(63, lambda r: r + (r > 0)),
        "x10",
    ),
    "bytes are stored backwards": (
        "calls",
        assigned(
            syscalls,
            "store",
            lambda port, start, content, real=syscalls.store: real(port, start, content[::-1]),
        ),
        "mem[",
    ),
    "bytes are stored one place off": (
        "calls",
        assigned(
            syscalls,
            "store",
            lambda port, start, content, real=syscalls.store: real(port, start + 1, content),
        ),
        "mem[",
    ),
    "brk returns the old break": (
        "calls",
        lambda patch: patch.setitem(syscalls._CALLS, 214, _old_break),
        "x10",
    ),
    "a wrong number for a bad descriptor": ("calls", refused(9, 8), "x10"),
    "a wrong number for a bad address": ("calls", refused(14, 13), "x10"),
    "a wrong number for no such call": ("calls", refused(38, 22), "x10"),
    "the exit status is not masked": (
        "calls",
        assigned(ControlRegisters, "exit_code", property(lambda s: s.calls.exit_code and 300)),
        "the exit status",
    ),
    "MRET goes elsewhere": (
        "registers",
        wrapped(
            ControlRegisters, "_execute", lambda r, s, p, w, pc: r and r + 4 * (w == csr._MRET)
        ),
        "word `pc`",
    ),
    "writes to CSRs are forgotten": (
        "registers",
        assigned(ControlRegisters, "_access", _forget),
        "x7",
    ),
    "read-only CSRs can be written": (
        "registers",
        assigned(csr, "_READ_ONLY", 0x1000),
        "word `pc`",
    ),
    "set and clear are exchanged": ("registers", exchanged, "x7"),
    "mcause is not told": ("registers", assigned(csr, "_MCAUSE", 0x7FF), "x8"),
    "mepc is not told": ("registers", assigned(csr, "_MEPC", 0x7FF), "x9"),
    "instructions are counted twice": (
        "registers",
        wrapped(ControlRegisters, "_execute", _off_by_one),
        "the count of emulated instructions",
    ),
    "execution goes on at the same place": (
        "calls",
        assigned(syscalls, "resume", lambda port, pc, real=syscalls.resume: real(port, pc - 4)),
        "word `pc`",
    ),
    "tohost is shifted by two": (
        "tohost",
        assigned(Htif, "exit_code", property(lambda s: s.status and s.status >> 1)),
        "the exit status",
    ),
    "the word `tohost` is never read": (
        "tohost",
        assigned(Computer, "_polled_word_is_set", lambda *a: False),
        "word `trap`",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_host_is_caught_with_its_place(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, put, place = FAULTS[fault]
    put(monkeypatch)
    with pytest.raises(Mismatch) as caught:
        verify(name)
    assert place in caught.value.difference.place
    assert caught.value.difference.step > 0


def test_a_wrong_front_panel_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """SUBLEQ's input column: a host that offers the complement of each byte."""
    machine = compiled("subleq", 8, 32)
    image = Image("subleq", 8, (255, 20, 3, 20, 255, 6, 0, 0, 255))
    assert lockstep(machine, EventEngine(machine), [image], [b"ab"], 4).steps
    real = Panel.offer

    def offer(self: Panel, stream: int, wait: bool = False) -> None:
        self.inputs = [bytes(255 - byte for byte in b"ab")]
        real(self, stream, wait)

    monkeypatch.setattr(Panel, "offer", offer)
    with pytest.raises(Mismatch, match="input"):
        lockstep(machine, EventEngine(machine), [image], [b"ab"], 4)


def test_a_wrong_embedding_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is loaded into the reference without the compiler's embedding."""
    import looped.run.computer as computer

    machine = compiled("subleq", 8, 32)
    image = Image("subleq", 8, (9, 9, 3, 9, 9, 6, 7, 8, 255))
    real = computer.embed_compact
    wrong = lambda words, *rest: real([*words[:-1], 1], *rest)  # noqa: E731
    monkeypatch.setattr(computer, "embed_compact", wrong)
    with pytest.raises(Mismatch, match="mem\\[8\\]"):
        lockstep(machine, EventEngine(machine), [image], [b""], 2)
