"""`python -m benchmarks.curves`: what FLEQ programs learn and solve inside the transformer, drawn.

A program stops again and again at a label, and its matrices are read from the memory columns of the
residual stream. NumPy in float64 executes the same instructions.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt

from benchmarks.fleq import assemble
from benchmarks.float64 import Float64, place_of
from looped import api
from looped.artefact.embedding import memory_words
from looped.image import Image
from looped.run.session import Session

__all__ = ["Curve", "draw", "losses", "main", "residuals"]

Floats = npt.NDArray[np.float64]
Matrices = Callable[[str], Floats]

_PICTURE = Path(__file__).parents[1] / "docs" / "fleq.png"
_INSIDE, _FLOAT64 = "#0072B2", "#D55E00"


@dataclass(frozen=True, slots=True)
class Curve:
    """A number after each round of a loop: in the transformer, and in float64."""

    inside: list[float]
    float64: list[float]


def main() -> None:
    """Draw docs/fleq.png: the loss of xor after each epoch, the residual of newton8 each round."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curves", description=main.__doc__)
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--engine", default="lifted")
    parser.add_argument("--output", type=Path, default=_PICTURE)
    options = parser.parse_args()
    draw(losses(options.epochs, options.engine), residuals(options.engine), options.output)


def losses(epochs: int, engine: str = "lifted") -> Curve:
    """The mean loss over the four points, before each epoch."""
    return _curve(assemble("xor", EPOCHS=1 - epochs), "epoch", 4, engine, _loss)


def residuals(engine: str = "lifted") -> Curve:
    """max |I - A X| before each round of Newton's iteration, and at the end."""
    return _curve(assemble("newton8"), "loop", 16, engine, _residual)


def _loss(matrix: Matrices) -> float:
    points = matrix("D")
    hidden = _sigmoid(points[:, :2] @ matrix("W1") + matrix("b1"))
    output = _sigmoid(hidden @ matrix("W2").T + matrix("b2"))
    return float(((output - points[:, 2:]) ** 2).mean() / 2)


def _residual(matrix: Matrices) -> float:
    a = matrix("A")
    return float(np.abs(np.eye(len(a)) - a @ matrix("X")).max())


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def _curve(
    image: Image, label: str, workers: int, engine: str, number: Callable[[Matrices], float]
) -> Curve:
    place, memory = image.symbols[label], api.smallest_memory(image)
    plain, exact = Float64(image, memory), list[float]()
    while plain.run_to(place):
        exact.append(number(plain.matrix))
    exact.append(number(plain.matrix))
    machine = api.compile(image, memory).with_workers(workers)
    session = Session(machine, image, api.choose_engine(machine, engine))
    found = [number(lambda name: _read(session, name)) for _ in _rounds(session, place)]
    return Curve(found, exact)


def _rounds(session: Session, place: int) -> Iterator[None]:
    """Whenever the program comes to `place`, and when it halts.

    The first round goes instruction by instruction, which tells how long each of them is.
    """
    visits = (session.steps for step in session.walk() if step.next_pc == place)
    first = next(visits)
    yield
    length = next(visits) - first
    while session.computer.pc() == place:
        yield
        session.run(session.steps + length)
    session.run()
    yield


def _read(session: Session, name: str) -> Floats:
    """A matrix in the memory columns of the residual stream."""
    image, plan = session.image, session.machine.plan
    start, rows, cols = place_of(image, name)
    side, fraction = image.symbols["fleq.side"], image.symbols["fleq.fraction"]
    words = memory_words(session.computer.state(), plan)[0].astype(np.int64)
    words[words >> plan.width - 1 == 1] -= 1 << plan.width
    places = start + side * np.arange(rows)[:, None] + np.arange(cols)
    matrix: Floats = words[places] / (1 << fraction)
    return matrix


def draw(loss: Curve, residual: Curve, path: Path) -> None:
    """Both curves side by side, on a logarithmic axis."""
    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.1), layout="constrained")
    for axis, curve, title, below in (
        (axes[0], loss, "XOR by backpropagation: loss", "epoch"),
        (axes[1], residual, "Newton's inverse, 8x8: max |I - AX|", "round"),
    ):
        axis.semilogy(curve.inside, color=_INSIDE, lw=2, label="in the transformer, Q16.16")
        axis.semilogy(curve.float64, color=_FLOAT64, lw=2, ls=(0, (2, 2.5)), label="NumPy, float64")
        axis.set_title(title, fontsize=10)
        axis.set_xlabel(below)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
