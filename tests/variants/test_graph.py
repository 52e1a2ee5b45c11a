"""A control-flow graph as the program counter: its positions, and the machine that runs on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from torch import nn

from looped import api, registry
from looped.artefact.architecture import PLAIN, Architecture
from looped.artefact.checkpoint import load_machine, save_machine
from looped.artefact.plan import CompiledMachine
from looped.artefact.validity import check_plan
from looped.cli.main import cli
from looped.engines.dense import DenseEngine
from looped.errors import CompileError
from looped.image import Image
from looped.nn import Block, GatedMLP
from looped.profiles.case import Case
from looped.registry.baked import baked
from looped.variants import model_of
from looped.variants.graph import columns_of
from looped.variants.graph_head import GraphHead, GraphMixer, codes
from looped.verify.lockstep import Agreement, Mismatch, lockstep
from tests.conftest import examples
from tests.variants.bakeable import bakeable

MAGLAP = Architecture(positions="maglap")
BAKEABLE = ("caesar8", "countdown8", "echo", "greet", "multiply", "wide")


def image(*words: int) -> Image:
    return Image("subleq", 8, tuple(word & 255 for word in words))


# 0: put out an A; 3: count down; 6: back to 3, by a branch; 9: halt
LOOP = image(18, -1, 0, 19, 20, 9, 21, 21, 3, 21, 21, -1, 0, 0, 0, 0, 0, 0, 65, 1, 5, 0)


def machine(program: Image, architecture: Architecture = MAGLAP) -> CompiledMachine:
    return baked(registry.machine("subleq"), program, 32, architecture=architecture)


def compared(made: CompiledMachine, case: Case, steps: int = 60) -> Agreement:
    return lockstep(made, DenseEngine(made), [case.image], [case.data], steps)


def graph_heads(engine: DenseEngine) -> list[GraphHead]:
    return [part for part in engine.model.modules() if isinstance(part, GraphHead)]


@pytest.mark.parametrize(
    "edges",
    [{0: 1, 1: 2, 2: 3}, {0: 0}, {0: 1, 1: 0}, {0: 2, 1: 2, 2: 2, 3: 1}, {0: 1, 1: 0, 2: 1, 3: 3}],
    ids=str,
)
def test_the_product_of_positions_is_one_for_an_edge(edges: dict[int, int]) -> None:
    queries, keys = codes(edges, 4)
    scores = queries @ keys.mT
    wanted = torch.zeros(4, 4)
    for u, v in edges.items():
        wanted[u, v] = 1.0
    assert torch.allclose(scores.clamp(min=0), wanted, atol=1e-5)
    assert scores.min() > -1 - 1e-5


def test_without_a_potential_positions_know_no_direction() -> None:
    queries, keys = codes({0: 1, 1: 2}, 3, potential=0.0)
    assert not (queries @ keys.mT).diagonal(1).round().any()


@pytest.mark.parametrize("name", BAKEABLE)
def test_a_program_runs_on_its_graph(name: str) -> None:
    program = registry.assemble_file(Path(f"programs/subleq/{name}.sasm"))
    made = api.compile(program, bake=True, architecture=MAGLAP)
    found = lockstep(made, DenseEngine(made), [program], [b"Graph 42\n"], 40)
    assert found.steps == 40 or found.halted


def test_these_are_all_programs_that_can_be_baked() -> None:
    found = []
    for path in sorted(Path("programs/subleq").glob("*.sasm")):
        program = registry.assemble_file(path)
        try:
            registry.machine("subleq").read_code(program, api.smallest_memory(program))
        except CompileError:
            continue
        found.append(path.stem)
    assert tuple(found) == BAKEABLE


@examples(0.3)
@given(bakeable())
def test_a_random_program_runs_on_its_graph(case: Case) -> None:
    assert compared(machine(case.image), case, 20).steps > 0


def test_nothing_else_says_what_comes_next() -> None:
    """The words of successors are those of no MLP, and no head finds them in the plain machine."""
    made = machine(LOOP)
    lanes = [
        lane
        for lane, held in enumerate(made.plan.occupants)
        for each in held
        if each.word in ("taken", "onward")
    ]
    first = cast(Block, model_of(made).transformer.layers[0])
    knows = (cast(GatedMLP, first.mlp).gate_proj.weight[:, list(made.plan.words["pc"])] != 0).all(1)
    assert len(lanes) == 16 and knows.any()
    assert not cast(GatedMLP, first.mlp).down_proj.weight[lanes][:, knows].any()
    core = made.core().transformer.layers[0]
    assert cast(GatedMLP, cast(Block, core).mlp).down_proj.weight[lanes][:, knows].any()
    names = [group.name for block in made.plan.blocks for group in block.groups]
    assert not any("sum" in name or "carry" in name for name in names)


@pytest.mark.parametrize("head", [0, 1])
def test_another_graph_is_another_program(head: int) -> None:
    """With the positions of another successor the machine goes there."""
    engine = DenseEngine(machine(LOOP))
    changed = graph_heads(engine)[head].keys
    with torch.no_grad():
        changed.copy_(changed.roll(1, 0))
    with pytest.raises(Mismatch, match="word `pc`, is"):
        lockstep(machine(LOOP), engine, [LOOP], [b""], 60)


def test_a_node_has_the_column_of_its_address_or_a_free_one() -> None:
    wrapped = image(20, 20, 35, 20, 20, 128 + 3)  # 0 → 35, the instruction at 3 → a halt
    made = machine(wrapped)
    columns = columns_of(made.plan)
    assert columns == {0: 0, 35: 3, 131: 1}
    assert compared(made, Case(wrapped)).halted


def test_a_machine_that_waits_or_has_halted_stays() -> None:
    """Its node has no successor in use: the heads look at the CPU, and add nothing."""
    made = machine(LOOP)
    engine = DenseEngine(made)
    run = lockstep(made, engine, [LOOP], [b""], 200)
    assert run.halted and run.outputs == (b"A",)
    before = engine.state()
    engine.step(3)
    assert (engine.state() == before).all()


@pytest.mark.parametrize(
    "architecture",
    [
        replace(MAGLAP, norm="layernorm"),
        replace(MAGLAP, norm="layernorm-post", snap=True),
        replace(MAGLAP, stack="denseformer"),
        replace(MAGLAP, stack="rmt"),
    ],
    ids=lambda architecture: architecture.options,
)
def test_other_parts_go_with_it(architecture: Architecture) -> None:
    assert compared(machine(LOOP, architecture), Case(LOOP), 200).halted


def test_only_a_graph_makes_it_the_program_counter() -> None:
    for architecture in (PLAIN, Architecture(positions="sinusoidal")):
        made = machine(LOOP, architecture)
        assert not made.plan.graphs
        assert not any(isinstance(part, GraphMixer) for part in model_of(made).modules())
    assert machine(LOOP).plan.graphs == {
        "taken": {3: 9, 6: 3, 9: 255},
        "onward": {0: 3, 3: 6, 6: 9},
    }


def test_a_file_keeps_the_graph(tmp_path: Path) -> None:
    path, made = tmp_path / "loop.safetensors", machine(LOOP)
    save_machine(path, made)
    assert load_machine(path)[0].plan == made.plan
    assert b"flow" not in _content(tmp_path, machine(LOOP, PLAIN))


def _content(folder: Path, made: CompiledMachine) -> bytes:
    path = folder / "other.safetensors"
    save_machine(path, made)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        ({"taken": ((0, 256),)}, "no program counters"),
        ({"taken": tuple((n, n + 1) for n in range(32))}, "more nodes than"),
        ({"elsewhere": ((0, 3),)}, "no lane holds"),
    ],
    ids=["beyond", "many", "nowhere"],
)
def test_an_invalid_graph_is_refused(
    flow: dict[str, tuple[tuple[int, int], ...]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_plan(replace(machine(LOOP).plan, flow=flow))


def test_a_plain_machine_with_a_graph_is_refused() -> None:
    with pytest.raises(ValueError, match="a control-flow graph, and no positions in one"):
        check_plan(replace(machine(LOOP, PLAIN).plan, flow={}))


def test_the_command_line_bakes_a_graph(tmp_path: Path) -> None:
    path = str(tmp_path / "echo.safetensors")
    options = ["--bake", "--positions", "maglap", "-o", path]
    made = CliRunner().invoke(cli, ["compile", "programs/subleq/echo.sasm", *options])
    assert made.exit_code == 0
    assert CliRunner().invoke(cli, ["run", path], input="echo\n").output == "echo\n"


def test_a_program_that_changes_itself_has_no_graph(tmp_path: Path) -> None:
    options = ["--bake", "--positions", "maglap", "-o", str(tmp_path / "x.safetensors")]
    found = CliRunner().invoke(cli, ["compile", "programs/subleq/sieve.sasm", *options])
    assert found.exit_code != 0
    assert found.output == (
        "error: the instruction at address 42 (programs/subleq/sieve.sasm:16) writes to address 51 "
        "(programs/subleq/sieve.sasm:16), which is an instruction too: a baked program cannot "
        "change itself\nhint: run it on the universal machine: leave out --bake\n"
    )


def test_a_graph_with_too_many_nodes_says_how_much_memory_it_needs() -> None:
    """Nine instructions, each at four addresses that wrap to one place, and a halt."""
    targets = [32, 64, 96, *[128] * 5]
    program = image(*(word for c in targets for word in (27, 28, c)), 31, 31, 128)
    with pytest.raises(CompileError) as caught:
        machine(program)
    assert caught.value.render() == (
        "error: the control-flow graph has 37 nodes, and 32 columns hold them\n"
        "hint: give it --memory 64"
    )


def test_a_head_counts_the_units_of_its_tables() -> None:
    heads = graph_heads(DenseEngine(machine(LOOP)))
    assert [head.units for head in heads] == [3 + 5, 3 + 5]
    assert all(isinstance(head.keys, nn.Parameter) for head in heads)
