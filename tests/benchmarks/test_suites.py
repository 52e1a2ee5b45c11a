"""Suites in a folder: every program is run, and the table says how it ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.suites.__main__ import main
from looped import api
from looped.cli.main import cli
from looped.isa.rv32i import encode
from tests.image.test_elf import elf
from tests.programs.test_official import passes, small

BEGIN, END = 64, 72


def with_signature(value: int, end: int = END, status: int = 0) -> bytes:
    """A program that leaves a value in its signature, and a zero."""
    code = [
        encode("addi", 10, 0, imm=value),
        encode("sw", rs1=0, rs2=10, imm=BEGIN),
        encode("addi", 10, 0, imm=status),
        encode("addi", 17, 0, imm=93),
        encode("ecall"),
    ]
    content = b"".join(word.to_bytes(4, "little") for word in code)
    symbols = (("begin_signature", BEGIN, 1, 1), ("end_signature", end, 1, 1))
    return elf((0, content, 128), symbols=symbols)


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs without a stack, on machines that start sooner."""
    monkeypatch.setattr(api, "usual_memory", api.smallest_memory)


def lines(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str]]:
    status = main([*map(str, arguments)])
    return status, capsys.readouterr().out.splitlines()


@pytest.mark.slow
def test_tests_pass_or_fail_by_their_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "below").mkdir()
    for name, content in {
        "rv32ui-p-good": small(*passes(1)),
        "rv32ui-p-bad": small(*passes(15)),
        "below/rv32ui-p-trap": elf((0, bytes(4), 4)),
        "below/rv32ui-p-spins": elf((0, encode("jal", 0, imm=0).to_bytes(4, "little"), 4)),
        "rv32ui-p-good.dump": b"a text",
        "other": small(*passes(1)),
    }.items():
        (tmp_path / name).write_bytes(content)
    status, shown = lines(capsys, "tests", tmp_path, "--only", "rv32ui-p-*")
    assert status == 1
    assert [line.partition(" s  ")[2] for line in shown[:4]] == [
        "below/rv32ui-p-spins: an endless loop without an exit status",
        "below/rv32ui-p-trap: trap at 0x0: not an instruction of rv32i: 0x00000000",
        "rv32ui-p-bad: test 7 failed",
        "rv32ui-p-good",
    ]
    assert [line.split()[0] for line in shown[:4]] == ["failed", "failed", "failed", "passed"]
    assert shown[4].startswith("1 passed, 3 failed; ")
    (tmp_path / "rv32ui-p-bad").unlink()
    status, shown = lines(capsys, "programs", tmp_path, "--only", "other", "--steps", 3)
    assert (status, shown[0].rpartition("  ")[2]) == (1, "other: did not halt within 3 steps")
    assert lines(capsys, "tests", tmp_path / "below", "--only", "x") == (1, ["no ELF files"])


@pytest.mark.slow
def test_signatures_are_compared_with_their_references(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"good": 0x5A, "wrong": 0x5B, "short": 1, "alone": 1, "failing": 1}.items():
        (tmp_path / f"{name}.elf").write_bytes(with_signature(value, status=name == "failing"))
    (tmp_path / "good.reference_output").write_text("0000005A\n00000000\n")
    (tmp_path / "wrong.elf.signature").write_text("000000000000005a\n")
    (tmp_path / "short.signature").write_text("00000001\n")
    (tmp_path / "failing.signature").write_text("00000001\n00000000\n")
    status, shown = lines(capsys, "signatures", tmp_path)
    assert status == 1
    assert [line.partition(" s  ")[2] for line in shown[:-1]] == [
        "alone.elf: there is no reference for its signature",
        "failing.elf: exit status 1",
        "good.elf",
        "short.elf: word 1 of its signature is wrong",
        "wrong.elf: word 0 of its signature is wrong",
    ]


def test_the_command_writes_a_signature(tmp_path: Path) -> None:
    def run(content: bytes) -> tuple[int, str]:
        (tmp_path / "t.elf").write_bytes(content)
        target = str(tmp_path / "out")
        found = CliRunner().invoke(cli, ["run", str(tmp_path / "t.elf"), "--signature", target])
        return found.exit_code, found.stderr

    assert run(with_signature(0x5A, status=3)) == (3, "")
    assert (tmp_path / "out").read_text() == "0000005a\n00000000\n"
    for content, message in {
        elf((0, bytes(4), 4)): "the program has no signature",
        with_signature(1, end=BEGIN - 4): "0x40 to 0x3c is no signature: it has no whole words",
    }.items():
        (tmp_path / "out").unlink(missing_ok=True)
        status, shown = run(content)
        assert status == 5 and message in shown and not (tmp_path / "out").exists()
    status, shown = run(with_signature(1, end=1 << 30))
    assert status == 5 and "outside memory" in shown
