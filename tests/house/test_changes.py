"""The rows of docs/architecture.md, "Where do I change …?", walked from outside the package."""

from __future__ import annotations

import click
import pytest
import torch
from torch import Tensor, nn

import looped
from looped.api import ENGINES, choose_engine
from looped.artefact.embedding import embed, read_word
from looped.artefact.plan import CompiledMachine
from looped.circuit.arithmetic import select
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Value
from looped.circuit.words import Word, total
from looped.cli.exits import CleanGroup
from looped.engines.dense import DenseEngine
from looped.errors import LoopedError
from looped.nn import Block
from looped.passes.emit import compile_circuit

PROGRAM = looped.Image("subleq", 8, (9, 10, 6, 0, 0, 255, 9, 10, 255, 5, 3))


def population(word: Word) -> Condition:
    """A new primitive: whether more than half of a word's bits are ones, one threshold."""
    return Condition(total(word), len(word) // 2 + 1)


def majority(word: Word, then: Word, otherwise: Word) -> Value:
    return select(population(word), then, otherwise, len(then))


def test_a_primitive_from_outside_compiles() -> None:
    m = Circuit("majority", 8, 5)
    pc = m.register("pc", 8)
    m.next(pc, majority(m.fetch("x", pc), m.fetch("a", pc, 1), m.fetch("b", pc, 2)))
    machine = compile_circuit(m)
    for x, expected in ((0b0001_1111, 7), (0b0000_1111, 9), (0, 9), (255, 7)):
        state = torch.tensor(embed([x, 7, 9], machine.plan)[None]).float()
        after = machine.model()(state)[0, machine.plan.cpu, list(machine.plan.words["pc"])]
        assert read_word(after.numpy()) == expected


class TwiceAsWide(DenseEngine):
    """A new engine: every stream is computed twice, and only the second copy is kept."""

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""
        streams = len(self.x)
        self.x = torch.cat([self.x, self.x])
        super().step(loops)
        self.x = self.x[streams:]


def test_an_engine_from_outside_equals_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "twice", TwiceAsWide)
    machine = looped.compile(PROGRAM)
    engine = choose_engine(machine, "twice")
    assert isinstance(engine, TwiceAsWide)
    assert looped.verify(machine, PROGRAM, engine=engine).halted
    dense, own = (choose_engine(machine, name) for name in ("dense", "twice"))
    for one in (dense, own):
        one.load(embed(PROGRAM.words, machine.plan)[None])
        one.step(2)
    assert (dense.state() == own.state()).all()


class Windowed(nn.Module):
    """A variant: attention to columns less than `window` away; the core where it holds them all."""

    def __init__(self, attention: nn.Module, window: int) -> None:
        super().__init__()
        self.attention, self.window = attention, window

    def forward(self, x: Tensor, context: Tensor | None, mask: Tensor | None) -> Tensor:
        index = torch.arange(x.shape[1])
        near = (index[:, None] - index).abs() < self.window
        return self.attention(x, context, near)


def test_a_variant_in_the_setting_of_the_core_runs_programs() -> None:
    machine = looped.compile(PROGRAM)
    x = torch.tensor(embed(PROGRAM.words, machine.plan)[None]).float()
    expected, found = machine.model()(x, 3), {}
    for window in (machine.plan.columns, 2):
        model = machine.model()
        for block in model.transformer.layers:
            assert isinstance(block, Block)
            block.self_attn = Windowed(block.self_attn, window)
        found[window] = model(x, 3)
    assert torch.equal(found[machine.plan.columns], expected)
    assert not torch.equal(found[2], expected)


def busiest_lane(machine: CompiledMachine) -> str:
    """A view: the lane that most weights of all gates read, by the name that the plan has."""
    gates = [w for name, w in machine.weights.items() if "gate_proj" in name]
    return machine.plan.lane_name(int(sum(w.count_nonzero(dim=0) for w in gates).argmax()))


def test_a_view_from_outside_needs_weights_and_plan_only() -> None:
    assert busiest_lane(looped.compile(PROGRAM)) == "one.0"


class TeapotError(LoopedError):
    """A new error."""

    exit_code = 48


def test_an_error_from_outside_ends_with_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    @click.group(cls=CleanGroup)
    def cli() -> None:
        pass

    @cli.command()
    def brew() -> None:
        raise TeapotError("no coffee", hint="tea")

    with pytest.raises(SystemExit) as ended:
        cli.main(["brew"])
    assert ended.value.code == 48
    assert capsys.readouterr().err == "error: no coffee\nhint: tea\n"
