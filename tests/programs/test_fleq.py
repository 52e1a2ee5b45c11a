"""FLEQ programs on the reference: what their headers promise, and how far from float64 they are.

Every bound here stands in the header of the program that it is about.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from looped.isa.fleq import FUNCTIONS
from tests.programs.fleq import Vector, execute, initial, source, with_constant, with_matrix
from tests.programs.headers import Program, fields, fleq_programs
from tests.seeds import generator

ALL = fleq_programs()
LONG = 10_000
UNIT = 2.0**-16


def sigmoid(x: Vector) -> Vector:
    return 1 / (1 + np.exp(-x))


def rows(text: str) -> Vector:
    """What a program has printed, all of it of one width."""
    return np.array([[float(number) for number in line.split()] for line in text.splitlines()])


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(p, marks=[pytest.mark.slow] if p.steps > LONG else [], id=p.path.stem)
        for p in ALL
    ],
)
def test_a_program_prints_what_its_header_says(program: Program) -> None:
    run = execute(program.path.read_text(), name=program.path.name)
    assert (run.text.encode(), run.steps) == (program.output, program.steps)
    assert {"paper", "accuracy"} <= set(fields(program.path, ";"))


@pytest.mark.parametrize("name", ["calculator", "gram_schmidt", "newton8", "life", "k_means"])
@pytest.mark.parametrize("workers", [1, 8])
def test_the_number_of_workers_changes_nothing(name: str, workers: int) -> None:
    text = source(name)
    assert execute(text, workers).machine.memory == execute(text).machine.memory


def test_one_machine_runs_all_programs_and_they_use_every_function() -> None:
    used = set()
    for program in ALL:
        text = program.path.read_text()
        for name in ("EPOCHS", "ROUNDS"):  # one time round
            text = with_constant(text, name, 0) if f".equ {name} " in text else text
        run = execute(text)
        assert (run.image.symbols["fleq.side"], run.image.symbols["fleq.fraction"]) == (8, 16)
        used |= {name for name in FUNCTIONS if f"        {name} " in text}
    assert used == set(FUNCTIONS)


def test_calculator() -> None:
    a, b = 12.5, 3.25
    found = rows(execute(source("calculator")).text)[:, 0]
    exact = [a + b, a - b, a * b, a / b, a % b, a * b / 100, math.sqrt(a), 1 / a, math.sin(1),
        math.e, 1 / (1 + math.exp(-2))]  # fmt: skip
    bounds = [0, 0, 0, UNIT, 0, UNIT, UNIT, UNIT, 1e-4, 1e-4 * math.e, 1e-4]
    assert (np.abs(found - exact) <= np.array(bounds) + 5e-6).all()  # as printed


def random_matrix(seed: int, size: int, condition: float) -> Vector:
    """Singular values from √condition down to 1 / √condition."""
    rng = generator(seed)
    left, _ = np.linalg.qr(rng.normal(size=(size, size)))
    right, _ = np.linalg.qr(rng.normal(size=(size, size)))
    values: Vector = np.geomspace(1, 1 / condition, size) * math.sqrt(condition)
    return (left * values) @ right.T


def best_residual(a: Vector) -> float:
    """max |I - A X| for the exact inverse, rounded to words."""
    rounded = np.floor(np.linalg.inv(a) / UNIT + 0.5) * UNIT
    return float(np.abs(np.eye(len(a)) - a @ rounded).max())


def newton_rounds(a: Vector) -> int:
    """How often the program newton8 goes round, in float64."""
    x, rounds = a.T / (a**2).sum(), 0
    while True:
        rounds += 1
        residual = np.eye(len(a)) - a @ x
        x = x @ (np.eye(len(a)) + residual)
        if (residual**2).sum() < 0.001:
            return rounds


def check_newton(text: str) -> None:
    a, run = initial(text, "A"), execute(text)
    residual = np.abs(np.eye(8) - a @ run.matrix("X")).max()
    assert residual <= 1.5 * best_residual(a)
    assert abs(float(run.text.split()[0]) - newton_rounds(a)) <= 1


def test_newton_is_as_good_as_words_can_be_and_as_fast_as_float64() -> None:
    check_newton(source("newton8"))
    for seed, condition in [(1, 100), (2, 100), (3, 30)]:
        check_newton(with_matrix(source("newton8"), "A", random_matrix(seed, 8, condition)))


@pytest.mark.slow
def test_newton_on_many_matrices() -> None:
    for seed in range(20):
        for condition in (10, 30, 100):
            check_newton(with_matrix(source("newton8"), "A", random_matrix(seed, 8, condition)))


def test_newton_of_four_rows() -> None:
    text = source("newton4")
    a, x = initial(text, "A"), execute(text).matrix("X")
    assert np.abs(np.eye(4) - a @ x).max() <= 4 * UNIT


def test_power_iteration() -> None:
    text = source("power")
    values, vectors = np.linalg.eigh(initial(text, "A"))
    run = execute(text)
    b = run.matrix("b")[0]
    assert abs(float(run.text.split()[0]) - values[-1]) <= 3e-4
    assert np.abs(b - vectors[:, -1] * np.sign(vectors[:, -1] @ b)).max() <= 1e-4


def test_gram_schmidt() -> None:
    text = source("gram_schmidt")
    run = execute(text)
    q, lower = run.matrix("Q"), run.matrix("L")
    assert np.abs(q @ q.T - np.eye(4)).max() <= 2e-4
    assert np.abs(lower @ q - initial(text, "A")).max() <= 2e-4
    assert np.abs(np.triu(lower, 1)).max() <= 4 * UNIT


def test_linear_regression() -> None:
    text = source("regression")
    x, y, w = initial(text, "X"), initial(text, "y"), np.zeros((2, 1))
    for _ in range(100):
        w = w - 0.1 * x.T @ (x @ w - y)
    found = execute(text).matrix("w")
    assert np.abs(found - w).max() <= 1e-4
    assert np.abs(found - np.linalg.lstsq(x, y, rcond=None)[0]).max() <= 1e-4


def test_stochastic_gradient_descent() -> None:
    text = source("sgd")
    w = np.zeros(4)
    for _ in range(10):
        for row in initial(text, "D"):
            w = w - row[:4] * ((row[:4] @ w - row[4]) * 0.05)
    assert np.abs(execute(text).matrix("w")[0] - w).max() <= 5e-4


@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_logistic_regression(rounds: int) -> None:
    text = with_constant(source("logistic"), "ROUNDS", 1 - rounds)
    data, w = initial(text, "D"), np.zeros(2)
    for _ in range(rounds):
        w = w - 0.05 * sum(row[:2] * (sigmoid(row[:2] @ w) - row[2]) for row in data)
    assert np.abs(execute(text).matrix("w")[0] - w).max() <= 5e-4


class Network:
    """Two layers of sigmoids, trained in float64 as the programs xor and iris train them."""

    names = ("W1", "b1", "W2", "b2")

    def __init__(self, text: str) -> None:
        self.w1, self.b1, self.w2, self.b2 = (initial(text, name) for name in self.names)

    def outputs(self, x: Vector) -> Vector:
        return sigmoid(sigmoid(x @ self.w1 + self.b1) @ self.w2 + self.b2)

    def learn(self, x: Vector, y: Vector, eta: float) -> None:
        """One point; x and y are rows."""
        a = sigmoid(x @ self.w1 + self.b1)
        o = sigmoid(a @ self.w2 + self.b2)
        d2 = eta * (o - y) * o * (1 - o)
        d1 = a * (1 - a) * (d2 @ self.w2.T)
        self.w2, self.b2 = self.w2 - a.T @ d2, self.b2 - d2
        self.w1, self.b1 = self.w1 - x.T @ d1, self.b1 - d1

    def distance(self, matrices: list[Vector]) -> float:
        own = (self.w1, self.b1, self.w2, self.b2)
        return float(max(np.abs(a - b).max() for a, b in zip(own, matrices, strict=True)))


def xor_text(epochs: int, seed: int) -> str:
    text = with_constant(source("xor"), "EPOCHS", 1 - epochs)
    return with_constant(with_constant(text, "SEED", seed), "OTHER_SEED", 100 + seed)


def xor_in_float64(text: str, epochs: int) -> tuple[Network, Vector]:
    net, data = Network(text), initial(text, "D")
    net.w2 = net.w2.T
    for _ in range(epochs):
        for row in data:
            net.learn(row[None, :2], row[None, 2:], 3)
    outputs = net.outputs(data[:, :2])
    net.w2 = net.w2.T
    return net, outputs


def learned(outputs: Vector) -> bool:
    return bool((np.abs(outputs.ravel() - [0, 1, 1, 0]) < 0.2).all())


@pytest.mark.parametrize("seed", range(1, 7))
def test_xor_weights_after_ten_epochs(seed: int) -> None:
    text = xor_text(10, seed)
    run, (net, _) = execute(text), xor_in_float64(text, 10)
    assert net.distance([run.matrix(name) for name in Network.names]) <= 5e-4


@pytest.mark.parametrize(
    "seed", [5, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 2, 3, 4, 6))]
)
def test_xor_is_learned_from_the_seeds_that_float64_learns(seed: int) -> None:
    text = xor_text(400, seed)
    assert learned(xor_in_float64(text, 400)[1])
    assert learned(np.array([float(line) for line in execute(text).text.splitlines()[:4]]))


@pytest.mark.parametrize("epochs", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_iris_is_recognised_as_in_float64(epochs: int) -> None:
    text = with_constant(source("iris"), "EPOCHS", 1 - epochs)
    net = Network(text)
    train, held_out, mean, spread = (initial(text, name) for name in ("D", "T", "mean", "spread"))
    for _ in range(epochs):
        for row in train:
            net.learn((row[None, :4] - mean) / spread, row[None, 4:], 0.5)
    outputs = net.outputs((held_out[:, :4] - mean) / spread)
    right = (outputs.argmax(1) == held_out[:, 4:].argmax(1)).sum()
    run = execute(text)
    assert run.text == f"{right}\n"
    if epochs == 1:
        assert net.distance([run.matrix(name) for name in Network.names]) <= 1e-3


def test_iris_has_the_flowers() -> None:
    """150 of them, 50 of each species; the sums are those of Fisher's table."""
    text = source("iris")
    flowers = np.concatenate([initial(text, "D"), initial(text, "T")])
    assert flowers.shape == (150, 7) and (flowers[:, 4:].sum(0) == 50).all()
    setosa = flowers[flowers[:, 4] == 1][:, :4]
    assert np.round(setosa.sum(0), 1).tolist() == [250.3, 171.4, 73.1, 12.3]
    assert np.round(flowers[:, :4].sum(0), 1).tolist() == [876.5, 458.6, 563.7, 179.9]


def test_k_means() -> None:
    text = source("k_means")
    points, centres, expected = initial(text, "D"), initial(text, "C"), []
    for _ in range(5):
        own = ((points[:, None] - centres) ** 2).sum(2).argmin(1)
        centres = np.array([points[own == k].mean(0) for k in range(3)])
        expected.append(centres)
    assert np.abs(rows(execute(text).text) - np.concatenate(expected)).max() <= 1e-4


def test_mandelbrot() -> None:
    c = -2 + np.arange(24)[:, None] / 8 + 1j * np.arange(8) / 8
    z, alive, count = np.zeros_like(c), np.ones(c.shape), np.zeros(c.shape)
    for _ in range(12):
        z = np.where(alive > 0, z * z + c, 0)
        alive = alive * (np.abs(z) < 2)
        count += alive
    assert (rows(execute(source("mandelbrot")).text) == count).all()


def test_life() -> None:
    text = source("life")
    board = initial(text, "B")
    for _ in range(4):
        near = sum(np.roll(board, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))
        board = ((near == 3) | ((near == 4) & (board == 1))).astype(float)
    assert (rows(execute(text).text) == board).all()
    assert (board == np.roll(initial(text, "B"), (1, 1), (0, 1))).all()
