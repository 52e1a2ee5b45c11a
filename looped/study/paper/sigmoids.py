"""Any function as a sum of sigmoids, one softmax head each: a layer with m heads (section 4).

n columns; column 0 holds x, column 1 the one-hot number of a function j. Head i scores column 1 by
a_ij x + b_ij + log(n - 1) and every other column by 0, so that its weight is

    e^s (n - 1) / (e^s (n - 1) + n - 1) = σ(s),    s = a_ij x + b_ij

and with the value c_ij the head adds c_ij σ(a_ij x + b_ij) to column 0. The keys are looked up by
the one-hot lanes: one set of weights holds a menu of functions. The other columns get values
without a meaning; the MLP clears them. The paper gives three layers for the whole block, which
moves operand and result as well, and the error O(m^{-1/2}) of Barron 1993.

Three choices of the coefficients, on the interval [l, r] with knots of equal spacing h:
`staircase` has steep steps (τ h = 40) of the height f(t + h) - f(t) and errs by up to half a step,
O(1/m); `smooth` has gentle ones (τ h = 2) on a wider interval, f reflected at its ends: the
ripple of Σ σ is e^{-2π²/(τh)}, what is left is the mean f'' π²/(6 τ²) of the smoothing, O(1/m²).
`relu_error` is the same by m ReLU units, f'' h²/8, in one MLP.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from looped.study.paper.layers import (
    DTYPES,
    Construction,
    Head,
    Lanes,
    Layer,
    Unit,
    unit_of,
)
from looped.study.paper.norms import compute

__all__ = [
    "MENU",
    "Function",
    "Sigmoid",
    "errors",
    "relu_error",
    "relu_layer",
    "sigmoid_layer",
    "smooth",
    "staircase",
]

Vector = NDArray[np.float64]

_COLUMNS = 3
_GRID = 199
_STEEP = 40.0
_GENTLE = 2.0
_ALWAYS = 40.0
"""σ(40) is 1 to the rounding unit of float64: the head of the constant."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function on [low, high]; `barron` is C = r ∫ |ω| |f̂(ω)| dω where it is known."""

    name: str
    low: float
    high: float
    value: Callable[[Vector], Vector]
    barron: float | None = None

    @property
    def grid(self) -> Vector:
        """Where errors are measured: 199 equal distances, and 99 points that close in on `low`."""
        span = self.high - self.low
        near = self.low + span * np.geomspace(1e-7, 1, _GRID // 2)
        return np.concatenate([np.linspace(self.low, self.high, _GRID), near])

    def continued(self, x: Vector) -> Vector:
        """The function, reflected at the points of its ends beyond the interval."""
        inside = np.clip(x, self.low, self.high)
        result: Vector = 2 * self.value(inside) - self.value(2 * inside - x)
        return result


MENU = (
    Function("1/x", 0.5, 8.0, lambda x: 1 / x),
    Function("sin x", -math.pi, math.pi, np.sin, barron=math.pi),
    Function("x²", -8.0, 8.0, np.square),
    Function("√x", 0.0, 16.0, np.sqrt),
)
"""Functions of the calculator, on the intervals of the table."""


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """c σ(a x + b)."""

    a: float
    b: float
    c: float


def staircase(f: Function, m: int) -> list[Sigmoid]:
    """A constant and m - 1 steep steps between equal knots."""
    return _steps(f, np.linspace(f.low, f.high, m), _STEEP)


def smooth(f: Function, m: int) -> list[Sigmoid]:
    """A constant and m - 1 gentle steps, ten of them beyond each end."""
    beyond = 10
    h = (f.high - f.low) / (m - 1 - 2 * beyond)
    return _steps(f, np.linspace(f.low - beyond * h, f.high + beyond * h, m), _GENTLE)


def _steps(f: Function, knots: Vector, steepness: float) -> list[Sigmoid]:
    values, slope = f.continued(knots), steepness / (knots[1] - knots[0])
    middles = (knots[1:] + knots[:-1]) / 2
    steps = [
        Sigmoid(slope, -slope * t, c)
        for t, c in zip(middles.tolist(), np.diff(values).tolist(), strict=True)
    ]
    return [Sigmoid(0.0, _ALWAYS, float(values[0])), *steps]


def errors(
    menu: Sequence[Function],
    fit: Callable[[Function, int], list[Sigmoid]],
    m: int,
    dtype: str,
) -> list[float]:
    """The largest error of each function on its grid, by one set of weights with m heads."""
    machine = sigmoid_layer([fit(f, m) for f in menu])
    lanes = machine.lanes
    worst = []
    for number, f in enumerate(menu):
        x = torch.zeros(len(f.grid), _COLUMNS, lanes.count, dtype=DTYPES[dtype])
        x[..., lanes.first("one")] = 1.0
        x[:, 0, lanes.first("operand")] = 1.0
        x[:, 0, lanes.first("x")] = torch.from_numpy(f.grid).to(x.dtype)
        x[:, 1, lanes["function"][number]] = 1.0
        out = compute(machine, x)[:, 0, lanes.first("out")]
        exact = f.value(x[:, 0, lanes.first("x")].double().numpy().clip(f.low, f.high))
        worst.append(float(np.abs(out.double().numpy() - exact).max()))
    return worst


def sigmoid_layer(chosen: Sequence[Sequence[Sigmoid]]) -> Construction:
    """A list of m sigmoids for each function of the menu: m heads, and two units that clear."""
    lanes = Lanes(one=1, x=1, operand=1, function=len(chosen), out=1)
    one, out = lanes.first("one"), lanes.first("out")
    shift, numbers = math.log(_COLUMNS - 1), lanes["function"]
    heads = [
        Head(
            queries=[{lanes.first("x"): 1.0}, {one: 1.0}],
            keys=[
                {j: s.a for j, s in zip(numbers, sigmoids, strict=True)},
                {j: s.b + shift for j, s in zip(numbers, sigmoids, strict=True)},
            ],
            values=[{j: s.c for j, s in zip(numbers, sigmoids, strict=True)}],
            outputs=[{out: 1.0}],
        )
        for sigmoids in zip(*chosen, strict=True)
    ]
    elsewhere = {one: 1.0, lanes.first("operand"): -1.0}
    units = [Unit({out: sign}, elsewhere, {out: -sign}) for sign in (1.0, -1.0)]
    return Construction(lanes, [Layer(heads, units)])


def relu_layer(f: Function, m: int, power: float = 1.0) -> Construction:
    """The line through m + 1 knots by m ReLU units; knot k lies at (k/m)^power of the interval."""
    knots = f.low + (f.high - f.low) * np.linspace(0, 1, m + 1) ** power
    slopes = np.diff(f.value(knots)) / np.diff(knots)
    bends = np.diff(slopes, prepend=0.0)
    lanes = Lanes(one=1, x=1, out=1)
    one, x, out = (lanes.first(name) for name in ("one", "x", "out"))
    units = [
        unit_of(one, {x: 1.0, one: -t}, {out: bend})
        for t, bend in zip(knots[:-1].tolist(), bends.tolist(), strict=True)
    ]
    units.append(unit_of(one, {one: 1.0}, {out: float(f.value(knots[:1])[0])}))
    return Construction(lanes, [Layer(units=units)])


def relu_error(f: Function, m: int, dtype: str, power: float = 1.0) -> float:
    """The largest error of m ReLU units on the grid of the function."""
    machine = relu_layer(f, m, power)
    lanes = machine.lanes
    x = torch.zeros(1, len(f.grid), lanes.count, dtype=DTYPES[dtype])
    x[..., lanes.first("one")] = 1.0
    x[0, :, lanes.first("x")] = torch.from_numpy(f.grid).to(x.dtype)
    exact = f.value(x[0, :, lanes.first("x")].double().numpy().clip(f.low, f.high))
    got = compute(machine, x)[0, :, lanes.first("out")].double().numpy()
    return float(np.abs(got - exact).max())
