"""The calls of the library, as its docstring has them, and traces that are complete."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import looped
import looped.api
from looped.engines.auto import ENGINES
from looped.engines.certified import Certified
from looped.engines.dense import DenseEngine
from looped.engines.engine import Floats
from looped.engines.event import EventEngine
from looped.errors import CertificateError, CompileError
from looped.image import Image
from looped.reference import Rv32i, Subleq, riscv_system
from tests.conftest import compiled
from tests.verify.test_device_faults import DATA, MEMORY, PROGRAMS, image_of

ROOT = Path(__file__).parents[1]
IMPORTS = ["", "import looped.verify", "from looped.verify import lockstep", "import looped.api"]


@pytest.mark.parametrize("before", IMPORTS)
def test_the_four_calls_work_as_written(before: str) -> None:
    assert looped.api.__doc__ is not None
    text = looped.api.__doc__.split("\n\n", 1)[1]
    script = f"import looped\n{before}\n{text.replace('sieve', 'hello')}"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("b'Hello") and "Agreement(programs=1" in run.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_trace_of_a_risc_v_program_is_that_of_the_reference(name: str) -> None:
    """Registers, memory, cause, output, and what the host set, after every instruction.

    Of what the instruction itself has written, only words whose value has changed can be seen.
    """
    image = image_of(name)
    machine = compiled("rv32i", 32, MEMORY)
    trace = looped.run(machine, image, DATA, 400, EventEngine(machine))
    hart = Rv32i(image.words, 32, MEMORY, DATA, image.entry)
    system = riscv_system(image, DATA)
    assert system is not None and trace.halted
    for step in trace:
        told = hart.step()
        done = system.after(hart)
        assert (step.pc, step.next_pc, step.cause) == (told.pc, hart.pc, told.cause)
        assert step.reads == told.reads
        assert step.writes == (*told.writes, *(done.writes if done else ()))
        assert step.registers == (*told.registers, *(done.registers if done else ()))
        assert step.written == (done.output if done else b"")
    assert hart.halted


@pytest.mark.parametrize("bake", [False, True])
def test_a_trace_of_a_subleq_program_is_that_of_the_reference(bake: bool) -> None:
    image = looped.assemble(ROOT / "programs" / "subleq" / "echo.sasm")
    machine = looped.compile(image, bake=bake)
    trace = looped.run(machine, image, b"ab")
    reference = Subleq(image.words, image.width, machine.plan.memory, b"ab", image.entry)
    for step in trace:
        assert step == reference.step()
    assert reference.halted and trace.output == b"ab"


@pytest.mark.parametrize("name", ["event", "lifted"])
def test_a_step_copies_no_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image("subleq", 8, (9, 10, 3, 9, 10, 6, 9, 10, 0))
    machine = compiled("subleq", 8, 32)
    engine = looped.api.choose_engine(machine, name)
    copies = 0
    state = Certified.state

    def counted(self: Certified) -> Floats:
        nonlocal copies
        copies += 1
        return state(self)

    monkeypatch.setattr(Certified, "state", counted)
    assert len(looped.run(machine, image, steps=20, engine=engine)) == 20
    assert copies <= 2  # at the beginning, and at the first step, when no column is known


@pytest.mark.parametrize("name", [name for name in ENGINES if name != "dense"])
def test_only_dense_runs_what_is_not_certified(name: str) -> None:
    machine = compiled("subleq", 16, 32)
    with pytest.raises(CertificateError, match="not certified in bfloat16"):
        looped.api.choose_engine(machine, name, "bfloat16")
    with pytest.raises(CompileError) as caught:
        looped.api.choose_engine(machine, name, "bfloat16", uncertified=True)
    assert str(caught.value) == f"the {name} engine runs only what is exact"
    assert "--uncertified is for --engine dense" in caught.value.render()


def test_auto_is_dense_if_it_is_uncertified() -> None:
    machine = compiled("subleq", 16, 32)
    engine = looped.api.choose_engine(machine, "auto", "bfloat16", uncertified=True)
    assert type(engine) is DenseEngine


@pytest.mark.parametrize(("width", "memory"), [(8, 256), (16, 1024), (32, 1024)])
def test_the_usual_memory_fits_the_width(width: int, memory: int) -> None:
    assert looped.compile_machine("subleq", width).plan.memory == memory
