"""FLEQ in float64 agrees with the reference; curves are read from memory; a picture is drawn."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.curves import Curve, draw, losses, residuals
from benchmarks.fleq import assemble
from benchmarks.float64 import Float64
from looped.reference.fleq import Fleq
from tests.programs.fleq import execute, initial, source
from tests.programs.float64 import xor_in_float64, xor_text


@pytest.mark.parametrize(
    ("name", "matrix", "bound"),
    [
        ("newton4", "X", 2e-4),
        ("power", "b", 1e-3),
        ("life", "B", 0),
        ("sgd", "w", 5e-4),
        ("gram_schmidt", "Q", 1e-3),
    ],
)
def test_float64_executes_the_same_instructions(name: str, matrix: str, bound: float) -> None:
    plain, run = Float64(assemble(name), 1024), execute(source(name))
    while not plain.halted:
        plain.step()
    assert plain.steps == run.steps
    assert np.abs(plain.matrix(matrix) - run.matrix(matrix)).max() <= bound


def test_float64_learns_xor_as_a_network_written_in_numpy() -> None:
    plain, (net, _) = Float64(assemble("xor", EPOCHS=-4), 512), xor_in_float64(xor_text(5, 1), 5)
    while not plain.halted:
        plain.step()
    found = [plain.matrix(name) for name in ("W1", "b1", "W2", "b2")]
    assert net.distance(found) <= 1e-12


def test_float64_comes_to_a_label_as_often_as_the_reference() -> None:
    image = assemble("xor", EPOCHS=-2)
    plain, machine = Float64(image, 512), Fleq(image.words, 32, 512, workers=64)
    counts = [0, 0]
    while plain.run_to(image.symbols["epoch"]):
        counts[0] += 1
    while not machine.halted:
        machine.step()
        counts[1] += machine.pc == image.symbols["epoch"]
    assert counts == [3, 3]


def test_a_word_that_is_no_instruction() -> None:
    plain = Float64(assemble("xor"), 512)
    plain.pc = 500
    with pytest.raises(ValueError, match="no instruction: 0x0"):
        plain.step()


def test_a_program_with_another_constant() -> None:
    assert assemble("xor", EPOCHS=-4) != assemble("xor")
    with pytest.raises(ValueError, match="xor has no constant ROUNDS"):
        assemble("xor", ROUNDS=1)


@pytest.mark.slow
def test_losses_are_read_from_the_memory_of_the_machine() -> None:
    curve = losses(3, "event")
    assert len(curve.inside) == len(curve.float64) == 4
    assert np.abs(np.subtract(curve.inside, curve.float64)).max() <= 1e-4
    assert len(set(curve.inside)) == 4
    _, outputs = xor_in_float64(xor_text(3, 1), 3)
    errors = outputs - initial(source("xor"), "D")[:, 2:]
    assert abs(curve.float64[-1] - (errors**2).mean() / 2) <= 1e-9


@pytest.mark.slow
def test_residuals_are_read_from_the_memory_of_the_machine() -> None:
    curve = residuals()
    assert len(curve.inside) - 1 == int(execute(source("newton8")).text.split()[0])
    assert abs(len(curve.inside) - len(curve.float64)) <= 1
    assert curve.inside[-1] < 1e-3 < curve.inside[0]


def test_the_picture_is_in_the_page(tmp_path: Path) -> None:
    draw(Curve([1, 0.1], [1, 0.1]), Curve([1, 0.01], [1, 0.02]), tmp_path / "fleq.png")
    assert (tmp_path / "fleq.png").read_bytes()[1:4] == b"PNG"
    page = Path(__file__).parents[2] / "docs" / "fleq.md"
    assert re.search(r"!\[[^\]]+\]\(fleq\.png\)", page.read_text())
    assert (page.parent / "fleq.png").stat().st_size < 100_000
