"""What FLEQ programs compute, in float64, and how far from it a run may be."""

from __future__ import annotations

import math

import numpy as np

from tests.programs.fleq import Run, Vector, initial, source, with_constant
from tests.seeds import generator

__all__ = [
    "UNIT",
    "Network",
    "check_newton",
    "iris_in_float64",
    "learned",
    "random_matrix",
    "sigmoid",
    "xor_in_float64",
    "xor_text",
]

UNIT = 2.0**-16


def sigmoid(x: Vector) -> Vector:
    return 1 / (1 + np.exp(-x))


def random_matrix(seed: int, size: int, condition: float) -> Vector:
    """Singular values from √condition down to 1 / √condition."""
    rng = generator(seed)
    left, _ = np.linalg.qr(rng.normal(size=(size, size)))
    right, _ = np.linalg.qr(rng.normal(size=(size, size)))
    values: Vector = np.geomspace(1, 1 / condition, size) * math.sqrt(condition)
    matrix: Vector = (left * values) @ right.T
    return matrix


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


def check_newton(text: str, run: Run) -> None:
    """The residual is close to the best that words can hold, after as many rounds as in float64."""
    a = initial(text, "A")
    residual = np.abs(np.eye(8) - a @ run.matrix("X")).max()
    assert residual <= 1.5 * best_residual(a)
    assert abs(float(run.text.split()[0]) - newton_rounds(a)) <= 1


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


def iris_in_float64(text: str, epochs: int) -> tuple[Network, int]:
    """The network, and how many of the flowers that it has not seen it recognises."""
    net = Network(text)
    train, held_out, mean, spread = (initial(text, name) for name in ("D", "T", "mean", "spread"))
    for _ in range(epochs):
        for row in train:
            net.learn((row[None, :4] - mean) / spread, row[None, 4:], 0.5)
    outputs = net.outputs((held_out[:, :4] - mean) / spread)
    return net, int((outputs.argmax(1) == held_out[:, 4:].argmax(1)).sum())
