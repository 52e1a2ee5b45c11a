"""FLEQ programs on the reference: what their headers promise, and how far from float64 they are.

Every bound here stands in the header of the program that it is about.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from looped.isa.fleq import FUNCTIONS
from tests.programs.fleq import Vector, execute, initial, source, with_constant, with_matrix
from tests.programs.float64 import (
    UNIT,
    Network,
    check_newton,
    iris_in_float64,
    learned,
    random_matrix,
    sigmoid,
    xor_in_float64,
    xor_text,
)
from tests.programs.headers import Program, fields, fleq_programs

ALL = fleq_programs()
LONG = 10_000


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
    assert execute(text, workers).memory == execute(text).memory


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


def newton_text(seed: int, condition: float) -> str:
    return with_matrix(source("newton8"), "A", random_matrix(seed, 8, condition))


def test_newton_is_as_good_as_words_can_be_and_as_fast_as_float64() -> None:
    check_newton(source("newton8"), execute(source("newton8")))
    for seed, condition in [(1, 100), (2, 100), (3, 30)]:
        text = newton_text(seed, condition)
        check_newton(text, execute(text))


@pytest.mark.slow
def test_newton_on_many_matrices() -> None:
    for seed in range(20):
        for condition in (10, 30, 100):
            text = newton_text(seed, condition)
            check_newton(text, execute(text))


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
    net, right = iris_in_float64(text, epochs)
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
