"""Each command with each single option: what is not told fits what is, or the message says why."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from looped import api, registry
from looped.circuit.circuit import Circuit
from looped.cli.main import cli
from looped.image import Image
from looped.precision import FLOAT32, PRECISIONS, Precision
from looped.registry.definition import Machine, largest_memory

PROGRAMS = Path(__file__).parents[2] / "programs"
HELLO = {
    "fleq": "fleq/newton4.fleq",
    "subleq": "subleq/hello.sasm",
    "rv32i": "rv32i/hello.s",
    "rv32im": "rv32im/pi.s",
    "rv32ima": "rv32ima/counter.s",
}
WIDTHS = {
    "fleq": (32,),
    "subleq": (8, 16, 32),
    "rv32i": (32,),
    "rv32im": (32,),
    "rv32ima": (32,),
}
LEAST = {"fleq": 64, "rv32ima": 64}
"""The fewest words of memory where they are not 32: FLEQ needs side² of them, RV32IMA as many as it
has registers."""

OPTIONS = [
    *(["--width", width] for width in ("8", "16", "32", "0", "-1", "64")),
    *(["--set", text] for text in ("side=4", "side=3", "side", "fraction=20", "x=1")),
    *(["--memory", words] for words in ("32", "256", "1024", "0", "-1", "1", "100", "65536")),
    *(["--dtype", name] for name in PRECISIONS),
]
OF_MACHINES = {
    "info": ["{machine}"],
    "compile": ["{machine}", "-o", "{folder}/m.safetensors"],
    "export": ["{machine}", "{folder}/llama", "--format", "hf"],
    "certify": ["{machine}"],
    "prove": ["{machine}"],
    "verify": ["--fuzz", "1", "--machine", "{machine}", "--steps", "1"],
}
OF_PROGRAMS = {
    "run": ["{program}", "--steps", "0", "--engine", "dense"],
    "verify": ["{program}", "--steps", "0"],
    "compile": ["{program}", "-o", "{folder}/p.safetensors"],
    "info": ["{program}"],
    "certify": ["{program}"],
    "asm": ["{program}", "-o", "{folder}/p.dec"],
}
WITHOUT = {
    "info": {"--dtype"},
    "export": {"--dtype"},
    "asm": {"--dtype", "--memory"},
    "prove": {"--set"},
}
CASES = [
    (command, arguments, machine, option)
    for commands in (OF_MACHINES, OF_PROGRAMS)
    for command, arguments in commands.items()
    for machine in registry.names()
    for option in OPTIONS
]


@cache
def assembled_once(path: Path, machine: str | None, width: int | None, parameters) -> Image:
    return plain_assemble(path, machine, width, dict(parameters))


def assembled(path, machine, width, parameters) -> Image:
    return assembled_once(path, machine, width, tuple(parameters.items()))


plain_assemble = api.assemble
plain_circuit = Machine.circuit


@cache
def described_once(name: str, width: int, memory: int, form: Precision, asked) -> Circuit:
    return plain_circuit(registry.machine(name), width, memory, None, form, **dict(asked))


def described(machine, width, memory, code=None, precision=FLOAT32, **asked) -> Circuit:
    assert code is None
    return described_once(machine.name, width, memory, precision, tuple(asked.items()))


class Reached(Exception):
    """A command has its circuit; what it would do with it is for other tests."""


def reached(*arguments, **named):
    raise Reached


def uncompiled(
    machine: Machine, width: int, memory: int, form: Precision, parameters: Any, *_: Any, **__: Any
) -> Circuit:
    return machine.circuit(width, memory, None, form, **parameters)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs and circuits are made once, and nothing is done with them."""
    monkeypatch.setattr(api, "assemble", assembled)
    monkeypatch.setattr(Machine, "circuit", described)
    monkeypatch.setattr(api, "compiled", uncompiled)
    for name in ("certify", "choose_engine"):
        monkeypatch.setattr(api, name, reached)
    for place in ("artefact.llama.export_llama", "artefact.checkpoint.save_machine"):
        monkeypatch.setattr(f"looped.{place}", reached)
    for place in ("describe", "listing"):
        monkeypatch.setattr(f"looped.inspect.listing.{place}", reached)
    monkeypatch.setattr("looped.cli.prove._proof", reached)


def may_be(option: list[str], machine: str, command: str, program: bool) -> bool | None:
    """Whether a command can do that; None if it depends on the size of the program."""
    name, value = option
    if name == "--width":
        return (value == "32" or not program or None) if int(value) in WIDTHS[machine] else False
    if name == "--set":
        return machine == "fleq" and value in ("side=4", "fraction=20")
    if name == "--memory":
        words = int(value)
        good = words >= LEAST.get(machine, 32) and words & (words - 1) == 0
        good &= words <= largest_memory(max(WIDTHS[machine]) if machine != "subleq" else 16)
        return (None if program else True) if good else False
    return machine == "subleq" or value in ("float32", "float64")


@pytest.mark.parametrize(
    ("command", "arguments", "machine", "option"),
    CASES,
    ids=[f"{c}-{m}-{a[0][1:-1]}-{'='.join(o)}" for c, a, m, o in CASES],
)
def test_one_option_alone(
    command: str, arguments: list[str], machine: str, option: list[str], tmp_path: Path
) -> None:
    words = {"machine": machine, "folder": tmp_path, "program": PROGRAMS / HELLO[machine]}
    line = [command, *(word.format(**words) for word in arguments), *option]
    result = CliRunner().invoke(cli, line)
    if option[0] in WITHOUT.get(command, ()):
        assert result.exit_code == 2, result.output
        return
    expected = may_be(option, machine, command, "{program}" in arguments)
    fine = isinstance(result.exception, Reached) or result.exit_code == 0
    assert fine or told(result), (line, result.exception, result.output)
    if expected is not None:
        assert fine is expected, (line, result.output)


def told(result: Result) -> bool:
    """Whether a command ended with a message and a code that says what kind of thing it was."""
    return result.exit_code in (2, 3, 5) and "rror: " in result.stderr
