"""The host of the transformer and the system of the reference do the same, call by call."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.devices import Calls
from looped.environment import Environment
from looped.reference import Rv32i
from looped.reference.system import RiscvSystem
from tests.devices.words import MEMORY, Words

SEQUENCE = [0x01F01013, 0x00100073, 0x40705013]
EBREAK, ECALL, HEAP = 4, 12, 64
"""The addresses of a semihosting call and of an ECALL, and where the program's own bytes begin."""

BASE = 0x80000000
NAMES = [
    b"a.txt",
    b"sub/b",
    b"../secret",
    b"link",
    b"out/secret",
    b"/etc/passwd",
    b"sub",
    b"new",
    b"",
]
SPECIAL = [b":tt", b":semihosting-features", b"a.txt\0", b"\xff", b"a" * 60, b"sub/../a.txt"]
NEWLIB = [56, 57, 62, 63, 64, 80, 113, 169, 214, 403, 1024, 58]
SEMIHOSTING = [*range(0x14), 0x15, 0x16, 0x30, 0x31, 0x77]
START, END = BASE + HEAP, BASE + 4 * MEMORY
ADDRESSES = st.one_of(
    st.integers(START, END + 8), st.sampled_from([0, BASE - 1, BASE, END, 0xFFFFFFFF, 1 << 30])
)
NUMBERS = st.one_of(st.integers(0, 16), ADDRESSES, st.integers(0, 0xFFFFFFFF))


def folder(place: Path) -> Path:
    """A folder with files, in another one with a secret, and links from it."""
    root = place / "files"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"content of a")
    (root / "sub" / "b").write_bytes(b"")
    (place / "secret").write_bytes(b"SECRET")
    (root / "link").symlink_to(place / "secret")
    (root / "out").symlink_to(place)
    return root


class Pair:
    """One program on both sides, with the same memory, input and files."""

    def __init__(self, place: Path, data: bytes = b"input") -> None:
        roots = [folder(place / side) for side in ("host", "system")]
        around = [Environment(True, root, ("one", "two")) for root in roots]
        self.roots = roots
        self.calls = Calls(data, BASE + 128, around[0])
        self.system = RiscvSystem(data, BASE + 128, environment=around[1])
        self.port = Words(0, base=BASE)
        self.port.words[: len(SEQUENCE)] = SEQUENCE
        self.hart = Rv32i(self.port.words, 32, MEMORY, base=BASE)

    def put(self, address: int, content: bytes) -> None:
        """Store bytes on both sides."""
        for place, byte in enumerate(content, address - BASE):
            for words in (self.port.words, self.hart.memory):
                shift = place % 4 * 8
                words[place // 4] = words[place // 4] & ~(255 << shift) | byte << shift

    def call(self, pc: int, cause: int, registers: dict[int, int]) -> tuple[int, bytes]:
        """Make a call; both sides must agree on all that it does."""
        self.port.named.update(pc=BASE + pc, trap=1, cause=cause)
        self.hart.pc, self.hart.trap, self.hart.cause = BASE + pc, 1, cause
        for number, value in registers.items():
            self.port.registers[number] = self.hart.x[number] = value
        self.port.executed = self.system.executed + 1
        written = self.calls.serve(self.port)
        service = self.system.after(self.hart)
        assert service is not None
        assert service.output == written
        assert self.hart.x == self.port.registers
        assert self.hart.memory == self.port.words
        assert self.hart.pc == self.port.named["pc"]
        assert self.system.exit_code == self.calls.exit_code
        value = self.hart.x[10]
        return value - (value >> 31 << 32), written

    def semihost(self, number: int, parameter: int) -> tuple[int, bytes]:
        return self.call(EBREAK, 3, {10: number, 11: parameter})

    def block(self, number: int, *words: int) -> tuple[int, bytes]:
        """A semihosting call with a block of parameters at the end of memory."""
        at = END - 4 * len(words)
        self.put(at, b"".join(word.to_bytes(4, "little") for word in words))
        return self.semihost(number, at)

    def ecall(self, number: int, *arguments: int) -> int:
        registers = dict(zip((10, 11, 12), arguments, strict=False))
        return self.call(ECALL, 11, {17: number, **registers})[0]

    def errno(self) -> int:
        return self.semihost(0x13, 0)[0]

    def open(self, name: bytes, mode: int) -> int:
        self.put(START, name)
        return self.block(0x01, START, mode, len(name))[0]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_a_console_is_read_and_written(pair: Pair) -> None:
    source, output = pair.open(b":tt", 0), pair.open(b":tt", 4)
    assert pair.block(0x06, source, START + 5, 3) == (0, b"")
    assert pair.block(0x05, output, START + 5, 3) == (0, b"inp")
    assert pair.semihost(0x07, 0) == (ord("u"), b"")
    assert pair.block(0x06, source, START, 9)[0] == 8
    assert pair.semihost(0x07, 0)[0] == -1
    assert pair.block(0x09, output)[0] == 1
    pair.put(START, b"text\0")
    assert pair.semihost(0x04, START) == (0, b"text")
    assert pair.semihost(0x03, START + 2) == (0, b"x")


def test_a_file_is_written_read_and_measured(pair: Pair) -> None:
    file = pair.open(b"new", 6)
    assert pair.block(0x05, file, START, 3) == (0, b"")
    assert pair.block(0x0C, file)[0] == 3
    assert pair.block(0x0A, file, 1)[0] == 0
    assert pair.block(0x06, file, START + 16, 9)[0] == 7
    assert pair.block(0x09, file)[0] == 0
    assert pair.block(0x02, file)[0] == 0
    assert (pair.block(0x02, file)[0], pair.errno()) == (-1, 9)
    assert all((root / "new").read_bytes() == b"new" for root in pair.roots)
    appended = pair.open(b"new", 8)
    pair.block(0x05, appended, START, 3)
    assert all((root / "new").read_bytes() == b"newnew" for root in pair.roots)


def test_files_are_renamed_and_removed(pair: Pair) -> None:
    pair.put(START, b"a.txtsub/c")
    assert pair.block(0x0F, START, 5, START + 5, 5)[0] == 0
    assert all((root / "sub" / "c").read_bytes() == b"content of a" for root in pair.roots)
    assert pair.block(0x0E, START + 5, 5)[0] == 0
    assert (pair.block(0x0E, START, 5)[0], pair.errno()) == (-1, 2)


@pytest.mark.parametrize(("name", "error"), [(b"link", 13), (b"out", 13), (b"sub", 21)])
def test_what_is_no_file_is_neither_removed_nor_renamed(
    pair: Pair, name: bytes, error: int
) -> None:
    pair.put(START, name + b"new")
    assert (pair.block(0x0E, START, len(name))[0], pair.errno()) == (-1, error)
    new = START + len(name), 3
    assert (pair.block(0x0F, START, len(name), *new)[0], pair.errno()) == (-1, error)
    assert all(os.path.lexists(root / name.decode()) for root in pair.roots)


def test_a_read_to_outside_memory_takes_no_input(pair: Pair) -> None:
    source = pair.open(b":tt", 0)
    for start in (END - 2, BASE - 4, 0):
        assert (pair.block(0x06, source, start, 4)[0], pair.errno()) == (-1, 14)
        assert pair.ecall(63, 0, start, 4) == -14
    assert pair.semihost(0x07, 0)[0] == ord("i")


def test_a_temporary_name_fits_into_its_buffer(pair: Pair) -> None:
    for number, length in ((5, 6), (256, 9)):
        assert (pair.block(0x0D, START, number, length)[0], pair.errno()) == (-1, 22)
    assert pair.block(0x0D, START, 5, 7)[0] == 0
    assert pair.hart.memory[HEAP // 4] == int.from_bytes(b"tmp0", "little")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (b"../secret", 13),
        (b"link", 13),
        (b"out/secret", 13),
        (b"/etc/passwd", 13),
        (b"sub/../../secret", 13),
        (b"missing", 2),
        (b"sub", 21),
        (b"a.txt/b", 20),
        (b"", 2),
    ],
)
def test_names_lead_to_files_of_the_folder_only(pair: Pair, name: bytes, error: int) -> None:
    assert (pair.open(name, 0), pair.errno()) == (-1, error)
    pair.put(START, name + b"\0")
    assert pair.ecall(1024, START, 0) == -error
    assert pair.ecall(56, 2**32 - 100, START, 0) == -error


def test_without_a_folder_nothing_can_be_opened(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.calls.process.descriptors.folder.root = pair.system.program.files.root = None
    assert (pair.open(b"a.txt", 0), pair.errno()) == (-1, 13)


def test_a_program_can_say_how_it_ends(tmp_path: Path) -> None:
    features = Pair(tmp_path / "features")
    file = features.open(b":semihosting-features", 0)
    features.block(0x06, file, START, 5)
    assert features.hart.memory[HEAP // 4] == int.from_bytes(b"SHFB", "little")
    for number, (reason, status, code) in enumerate([(0x20026, 300, 44), (0x20023, 0, 1)]):
        pair = Pair(tmp_path / str(number))
        pair.block(0x20, reason, status)
        assert pair.calls.exit_code == code
        assert pair.port.named["trap"] == 1


def test_arguments_time_and_heap(pair: Pair) -> None:
    assert pair.block(0x15, START, 8)[0] == 0
    assert (
        bytes(b for w in pair.hart.memory[16:18] for b in w.to_bytes(4, "little")) == b"one two\0"
    )
    assert pair.hart.memory[-1] == 7
    assert (pair.block(0x15, START, 7)[0], pair.errno()) == (-1, 22)
    pair.system.executed = 2_500_000
    assert pair.semihost(0x11, 0)[0] == 2
    assert pair.semihost(0x10, 0)[0] == 250
    assert pair.semihost(0x31, 0)[0] == 1_000_000
    assert pair.block(0x16, START)[0] == 0
    assert pair.hart.memory[16:20] == [BASE + 128, END, END, BASE + 128]


def test_newlib_opens_moves_and_asks(pair: Pair) -> None:
    pair.put(START, b"made\0")
    file = pair.ecall(1024, START, 0x0602)
    assert file == 3
    assert pair.ecall(64, file, START, 4) == 4
    assert pair.ecall(62, file, 2**32 - 1, 2) == 3
    assert pair.ecall(63, file, START + 8, 4) == 1
    assert pair.ecall(80, file, START + 16) == 0
    assert pair.hart.memory[24] == 0o100644
    assert pair.ecall(403, 0, START) == 0
    assert (pair.ecall(62, 0, 0, 0), pair.ecall(57, 77), pair.ecall(57, file)) == (-29, -9, 0)


def test_the_shifts_around_it_make_a_breakpoint_a_call(pair: Pair) -> None:
    for number in range(3):
        words = list(SEQUENCE)
        words[number] = 0x13
        port = Words(0, base=BASE, cause=3)
        port.words[:3] = words
        port.named["pc"] = BASE + EBREAK
        assert pair.calls.serve(port) == b""
        assert port.named["trap"] == 1


COUNT = itertools.count()


@given(data=st.data())
def test_any_calls_do_the_same_on_both_sides(tmp_path_factory: Any, data: st.DataObject) -> None:
    place = tmp_path_factory.getbasetemp() / f"calls{next(COUNT)}"
    pair, name = Pair(place), st.sampled_from(NAMES + SPECIAL)
    for _ in range(data.draw(st.integers(1, 4))):
        text = data.draw(name)
        pair.put(START, text + b"\0")
        if data.draw(st.booleans()):
            numbers = data.draw(st.lists(NUMBERS, min_size=3, max_size=3))
            pair.ecall(data.draw(st.sampled_from(NEWLIB)), *numbers)
        elif data.draw(st.booleans()):
            pair.open(text, data.draw(st.integers(0, 12)))
        elif data.draw(st.booleans()):
            words = data.draw(st.lists(NUMBERS, min_size=4, max_size=4))
            pair.block(data.draw(st.sampled_from(SEMIHOSTING)), *words)
        else:
            pair.semihost(data.draw(st.sampled_from(SEMIHOSTING)), data.draw(ADDRESSES))
    contents = [
        {p.relative_to(r): p.read_bytes() for p in r.rglob("*") if p.is_file()} for r in pair.roots
    ]
    assert contents[0] == contents[1]
    assert all((place / side / "secret").read_bytes() == b"SECRET" for side in ("host", "system"))
    assert b"SECRET" not in b"".join(w.to_bytes(4, "little") for w in pair.hart.memory)
    shutil.rmtree(place)
