"""Programs in the format of the official RISC-V tests: loaded and run as they are built.

They are linked from 0x80000000 on, start through control registers, and end at `tohost`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import looped
from looped.cli.main import cli
from looped.devices import Htif, riscv_host
from looped.devices.host import POLL_INTERVAL
from looped.engines.event import EventEngine
from looped.image import Image
from looped.isa.rv32i import encode
from looped.run.computer import Computer
from looped.verify.lockstep import lockstep
from tests.devices.test_csr import MEPC, MHARTID, MRET, SET, WRITE, access
from tests.image.test_elf import elf
from tests.programs.official import build

ALL = build.tests()
FEW = ["rv32ui-p-simple", "rv32ui-p-jalr", "rv32ui-p-sra", "rv32ui-p-fence_i"]
HIGH, TOHOST = 0x80000000, 0x80000080
MTVEC, MCAUSE = 0x305, 0x342
T0, GP, A0, A7 = 5, 3, 10, 17
STEPS = 4096


def small(*test: int) -> bytes:
    """An ELF file with start-up, a handler that writes gp to `tohost`, and a test at the end."""
    handler = [
        access(SET, MCAUSE, T0, 0),
        encode("auipc", T0, imm=0),
        encode("sw", rs1=T0, rs2=GP, imm=TOHOST - HIGH - 8),
        encode("jal", 0, imm=-8),
    ]
    start = [
        access(SET, MHARTID, A0, 0),
        encode("auipc", T0, imm=0),
        encode("addi", T0, T0, imm=-20),
        access(WRITE, MTVEC, 0, T0),
        encode("addi", T0, T0, imm=44),
        access(WRITE, MEPC, 0, T0),
        MRET,
    ]
    words = [encode("jal", 0, imm=20), *handler, *start, *test]
    code = b"".join(word.to_bytes(4, "little") for word in words)
    assert len(code) <= TOHOST - HIGH
    symbols = (("_start", HIGH, 0, 1), ("tohost", TOHOST, 1, 1))
    return elf((HIGH, code, len(code)), (TOHOST, bytes(8), 8), entry=HIGH, symbols=symbols)


def passes(number: int) -> list[int]:
    """What a test ends with: a number in gp, and an ECALL that its handler takes."""
    return [
        encode("addi", GP, 0, imm=number),
        encode("addi", A7, 0, imm=93),
        encode("addi", A0, 0, imm=0),
        encode("ecall"),
    ]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(
        cli,
        ["run", *map(str, arguments), "--engine", "event", "--steps", "4096", "--memory", "1024"],
    )


@pytest.mark.parametrize(("number", "status", "message"), [
    (1, 0, ""),
    (2 * 7 + 1, 7, "test 7 failed"),
    (2 * 256 + 1, 1, "test 256 failed"),
])  # fmt: skip
def test_the_command_ends_as_tohost_says(
    number: int, status: int, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "rv32ui-p-own"
    path.write_bytes(small(*passes(number)))
    result = run(path)
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr.strip() == (f"{path}: {message}" if message else "")


def test_what_nobody_expects_goes_to_the_handler(tmp_path: Path) -> None:
    """An illegal instruction: gp is what it was, an even number, which is no status."""
    (tmp_path / "t").write_bytes(small(encode("addi", GP, 0, imm=8), 0))
    result = run(tmp_path / "t")
    assert result.exit_code == 7
    assert "the program asks for 0x8 at `tohost`, which no host serves" in result.stderr


def test_json_tells_the_status_and_what_the_host_carried_out(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(small(*passes(5)))
    result = run(tmp_path / "t", "--json")
    assert '"exit_code": 2, "emulated": 5' in result.stdout
    assert result.exit_code == 2
    assert "5 CSR and return instructions" in run(tmp_path / "t", "-v").stderr


def test_lockstep_with_the_reference_until_tohost_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(small(*passes(1)))
    image = looped.assemble(tmp_path / "t")
    machine = looped.compile(image, 64)
    verdict = lockstep(machine, EventEngine(machine), [image], [b""], steps=2 * POLL_INTERVAL)
    assert (verdict.steps, verdict.halted) == (POLL_INTERVAL, True)


def test_how_many_loops_go_at_once_makes_no_difference(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(small(*passes(1)))
    image = looped.assemble(tmp_path / "t")
    assert [steps_until_the_end(image, loops)[0] for loops in (1, 7, 1000)] == [POLL_INTERVAL] * 3


def test_a_program_without_tohost_has_no_such_host() -> None:
    assert not isinstance(riscv_host(Image("rv32i", 32, (0,), addresses_per_word=4), b""), Htif)


def steps_until_the_end(image: Image, loops: int = 1000) -> tuple[int, Htif]:
    """Run a test on the event engine, so many loops at most in one go."""
    host = riscv_host(image, b"")
    assert isinstance(host, Htif)
    machine = looped.compile(image, looped.api.smallest_memory(image))
    engine = EventEngine(machine)
    computer = Computer(machine.plan, engine, [image.words], [b""], [image.entry], [host])
    steps = 0
    while not computer.halted() and steps < STEPS:
        before, event = computer.advance(loops)
        steps += before + event.retired
    assert engine.fallbacks == 0
    return steps, host


if build.FOUND:

    @pytest.mark.parametrize(
        "name", [n if n in FEW else pytest.param(n, marks=pytest.mark.slow) for n in ALL]
    )
    def test_what_gcc_builds_passes(name: str, tmp_path: Path) -> None:
        image = looped.assemble(build.build(ALL[name], tmp_path / name))
        assert image.entry == image.symbols["_start"] == HIGH
        assert steps_until_the_end(image)[1].status == 0

    @pytest.mark.parametrize(("case", "status"), [
        ("li a0, 1; bnez a0, fail", 3),
        (".word 0", (3 | 1337) >> 1),
        ("lw a0, 1(zero)", (3 | 1337) >> 1),
    ])  # fmt: skip
    def test_what_gcc_builds_fails_where_it_should(case: str, status: int, tmp_path: Path) -> None:
        text = build.test_of(["nop", case])
        image = looped.assemble(build.build(text, tmp_path / "rv32ui-p-wrong"))
        assert steps_until_the_end(image)[1].status == status
