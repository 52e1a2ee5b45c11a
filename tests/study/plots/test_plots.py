"""What pictures show: the numbers behind them against weights and reference, and the files."""

from __future__ import annotations

import sys
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import looped
from looped.cli.main import cli
from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.image import Image
from looped.reference.subleq import Subleq
from looped.run.session import Session
from looped.study.plots import activity, describe_loop, history
from looped.study.plots.labels import spread
from looped.study.plots.matrices import Panel, attention_panels, mlp_panels
from looped.study.watched import watch
from tests.conftest import compiled, examples

ROOT = Path(__file__).parents[3]
MULTIPLY = ROOT / "programs" / "subleq" / "multiply.sasm"
KINDS = {"W_Q": "q", "W_K": "k", "W_V": "v", "W_O": "o", "W_gate": "gate", "W_up": "up"}


@pytest.mark.parametrize("block", range(3))
def test_the_panels_have_all_weights_of_a_block(block: int) -> None:
    machine = compiled("subleq", 8, 32)
    panels = [*attention_panels(machine, block), *mlp_panels(machine, block)]
    for panel in panels:
        kind = KINDS.get(panel.name, "down")
        part = "mlp" if kind in ("gate", "up", "down") else "self_attn"
        whole = machine.weights[f"layers.{block}.{part}.{kind}_proj.weight"].numpy()
        lanes = whole.T if kind in ("o", "down") else whole
        used = np.flatnonzero(lanes.any(axis=0)).tolist()
        assert sorted(panel.lanes) == used
        assert np.count_nonzero(panel.weights) == np.count_nonzero(whole)
        assert (
            np.sort(panel.weights[panel.weights != 0]).tolist()
            == np.sort(whole[whole != 0]).tolist()
        )
        assert [span.end for span in panel.words][-1] == len(used)
        assert all(above.end == below.start for above, below in pairwise(panel.words))


def names(panel: Panel) -> list[str]:
    return [span.name for span in panel.words]


def test_words_are_the_axes() -> None:
    """In block 2 the MLP reads both operands whole, and writes the result in one piece."""
    attention, mlp = (f(compiled("subleq", 8, 32), 1) for f in (attention_panels, mlp_panels))
    assert names(attention[2]) == ["one", "value"]
    assert sorted(names(attention[3])) == ["mem_a", "mem_b"]
    assert names(mlp[2])[:3] == ["following", "out", "result"]
    assert [span.name for span in attention[0].rows] == ["mem_a", "mem_b"]


def test_a_scene_tells_the_step_of_the_reference() -> None:
    image = looped.assemble(MULTIPLY)
    machine = looped.compile(image)
    session = Session(machine, image, DenseEngine(machine))
    reference = Subleq(image.words, 16, machine.plan.memory, b"")
    for seen in islice(watch(session), 20):
        scene = describe_loop(seen, image)
        pc, memory = reference.pc, list(reference.memory)
        a, b, c = memory[pc : pc + 3]
        reference.step()
        moved = {m.transfer.head.name: m.word for act in scene.acts for m in act.moved}
        signed = [str(n - (1 << 16) if n >> 15 else n) for n in (a, b, c, memory[a % 64])]
        assert [moved[name] for name in ("a", "b", "c", "mem_a")] == signed
        cells = {column.name: column for column in scene.columns}
        assert (cells["cpu"].before, cells["cpu"].after) == (str(pc), str(reference.pc))
        for place in {pc, pc + 1, pc + 2, b % 64}:
            now = reference.memory[place]
            assert cells[f"mem[{place}]"].after == str(now - (1 << 16) if now >> 15 else now)


def test_a_history_is_that_of_the_reference() -> None:
    image = looped.assemble(MULTIPLY)
    machine = looped.compile(image)
    session = Session(machine, image, EventEngine(machine))
    seen = history(machine.plan, image, session.journal(100))
    reference = Subleq(image.words, 16, machine.plan.memory, b"")
    for moment, step in enumerate(seen.steps):
        assert moment == step
        memory = np.array(reference.memory, np.uint16).view(np.int16)
        assert seen.values[: machine.plan.memory, moment].tolist() == memory.tolist()
        reference.step()
    assert "".join(text for _, text in seen.output) == "*" * 15


@pytest.mark.slow
def test_a_long_history_has_few_moments() -> None:
    image = looped.assemble(ROOT / "programs" / "subleq" / "sieve.sasm")
    machine = looped.compile(image)
    session = Session(machine, image, EventEngine(machine))
    seen = history(machine.plan, image, session.journal())
    assert seen.steps == tuple(range(0, 1747, 2))
    row = image.symbols["n"]
    assert seen.values[row, 0] == 1 and set(np.diff(seen.values[row])) == {0, 1}


def test_activity_begins_at_its_first_step() -> None:
    image = looped.assemble(MULTIPLY)
    machine = looped.compile(image)
    session = Session(machine, image, DenseEngine(machine))
    session.run(6)
    seen = activity(image, machine.plan, islice(watch(session), 3))
    assert (seen.first, seen.begins) == (7, (0, 1, 2))
    fetched = [next(t.answers for t in loop if t.head.name == "a") for loop in seen.loops]
    assert fetched == [0, 3, 6]


@examples(0.6)
@given(st.lists(st.floats(0, 100), max_size=30).map(sorted), st.floats(0.1, 3))
def test_labels_keep_their_distance_and_their_order(places: list[float], distance: float) -> None:
    moved = spread(places, distance, (0, 100))
    assert len(moved) == len(places)
    assert all(low + distance <= high + 1e-6 for low, high in pairwise(moved))
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in moved)
    stops = [-distance / 2, *places, 100 + distance / 2]
    if all(low + distance <= high for low, high in pairwise(stops)):
        assert moved == places


COMMANDS = {
    "weights": ["weights", "subleq", "--width", "8", "--memory", "32", "--block", "3"],
    "step": ["step", str(MULTIPLY), "--step", "4"],
    "memory": ["memory", str(MULTIPLY), "--steps", "60"],
    "heads": ["heads", str(MULTIPLY), "--loops", "8"],
}
BEGINNINGS = {"svg": b"<?xml", "png": b"\x89PNG"}


@pytest.mark.parametrize(("what", "ending"), [*zip(COMMANDS, ["svg", "png"] * 2, strict=True)])
def test_a_picture_is_made(what: str, ending: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"picture.{ending}"
    result = CliRunner().invoke(cli, ["plot", *COMMANDS[what], "-o", str(path)])
    assert (result.exit_code, result.output) == (0, "")
    assert path.read_bytes().startswith(BEGINNINGS[ending])


def test_the_same_picture_has_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    paths = [tmp_path / name for name in ("one.svg", "two.svg")]
    for path in paths:
        CliRunner().invoke(cli, ["plot", *COMMANDS["step"], "-o", str(path)])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_what_cannot_be_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["plot", *arguments])
        assert result.exit_code != 0
        return str(result.output)

    file = str(tmp_path / "x.svg")
    assert "cannot draw a `.gif` file" in fails("weights", "subleq", "-o", "x.gif")
    assert "whose name has no ending" in fails("step", str(MULTIPLY), "-o", "x")
    small = ["--width", "8", "--memory", "32"]
    assert "there is no block 4" in fails("weights", "subleq", *small, "--block", "4", "-o", file)
    assert "has no step 212" in fails("step", str(MULTIPLY), "--step", "212", "-o", file)
    halts = tmp_path / "halts.sasm"
    halts.write_text(".machine subleq\n.width 16\nhalt\n")
    assert "no word of memory changes" in fails("memory", str(halts), "-o", file)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'looped[plot]'" in fails("step", str(MULTIPLY), "-o", file)


def test_words_without_a_label_have_a_number() -> None:
    image = Image("subleq", 8, (3, 4, 6, 5, 9, 0, 255, 255, 255))
    machine = compiled("subleq", 8, 32)
    scene = describe_loop(next(watch(Session(machine, image, DenseEngine(machine)))), image)
    assert [c.name for c in scene.columns] == [
        "mem[0]",
        "mem[1]",
        "mem[2]",
        "mem[3]",
        "mem[4]",
        "cpu",
    ]
    assert [c.label for c in scene.columns] == [""] * 6
    assert scene.title == "step 1: subleq 3, 4, 6"
