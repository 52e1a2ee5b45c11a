"""Structured mutants of weights: whole heads, units, gains and lanes, each wrong in its own way.

A single wrong weight seldom cancels. These are made so that something does: in the reals, in the
sum over heads, in a mean over columns, or in a lane that nobody looks at.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

import torch
from torch import Tensor

from looped.artefact.plan import CompiledMachine, HeadPlan
from looped.nn import Transformer

__all__ = ["KINDS", "Bench", "padded"]

SPARE_HEADS, SPARE_UNITS = 2, 4


def padded(machine: CompiledMachine) -> CompiledMachine:
    """The same machine with idle heads and units, which have a place in its plan."""
    plan, weights = machine.plan, dict(machine.weights)
    told = HeadPlan("spare", "", (), (), (), (), 1, 1)
    blocks = tuple(
        dataclasses.replace(
            b, heads=b.heads + (told,) * (plan.n_heads + SPARE_HEADS - len(b.heads))
        )
        for b in plan.blocks
    )
    wider = dataclasses.replace(
        plan, n_heads=plan.n_heads + SPARE_HEADS, d_ff=plan.d_ff + SPARE_UNITS, blocks=blocks
    )
    shapes = Transformer.stock(
        wider.d_model, len(blocks), wider.n_heads, wider.d_head, wider.d_ff
    ).state_dict()
    for name, weight in machine.weights.items():
        if weight.dim() == 2:
            larger = torch.zeros(shapes[name].shape)
            larger[: weight.shape[0], : weight.shape[1]] = weight
            weights[name] = larger
    return CompiledMachine(wider, weights)


class Bench:
    """A padded machine whose weights can be changed in place; `block` is the one to change."""

    def __init__(self, machine: CompiledMachine, rng: random.Random) -> None:
        self.plan = machine.plan
        self.rng = rng
        self.weights = {name: weight.clone() for name, weight in machine.weights.items()}
        self.block = rng.randrange(len(self.plan.blocks))
        self.one = self.plan.words["one"][0]

    def matrix(self, name: str) -> Tensor:
        """A matrix of the block, by the last part of its name: `q`, `o`, `gate`."""
        part = "self_attn" if len(name) == 1 else "mlp"
        return self.weights[f"layers.{self.block}.{part}.{name}_proj.weight"]

    def dims(self, head: int) -> slice:
        """The dimensions of a head."""
        return slice(head * self.plan.d_head, (head + 1) * self.plan.d_head)

    @property
    def spare(self) -> int:
        """The first head that the padding added."""
        return self.plan.n_heads - SPARE_HEADS

    @property
    def unit(self) -> int:
        """The first unit that the padding added."""
        return self.plan.d_ff - SPARE_UNITS

    def busy_head(self) -> int:
        """A head that carries something, in a block that has one."""
        while True:
            self.block = self.rng.randrange(len(self.plan.blocks))
            busy = [h for h in range(self.spare) if bool(self.matrix("o")[:, self.dims(h)].any())]
            if busy:
                return self.rng.choice(busy)

    def lane(self) -> int:
        """Any lane of the residual stream, those between loops more often."""
        words = [*self.plan.words.values()]
        if self.rng.random() < 0.6:
            return self.rng.choice(self.rng.choice(words))
        return self.rng.randrange(self.plan.d_model)

    def copy_head(self, source: int, target: int, factor: float = 1.0) -> None:
        """A head once more, its output times a factor, with its place in the plan."""
        for name in "qkv":
            self.matrix(name)[self.dims(target)] = self.matrix(name)[self.dims(source)]
        out = self.matrix("o")
        out[:, self.dims(target)] = out[:, self.dims(source)] * factor
        block = self.plan.blocks[self.block]
        heads = list(block.heads)
        heads[target] = heads[source]
        self.tell(tuple(heads))

    def tell(self, heads: tuple[HeadPlan, ...]) -> None:
        """Change what the plan says of the heads of the block."""
        blocks = list(self.plan.blocks)
        blocks[self.block] = dataclasses.replace(blocks[self.block], heads=heads)
        self.plan = dataclasses.replace(self.plan, blocks=tuple(blocks))

    def machine(self) -> CompiledMachine:
        """The mutant."""
        return CompiledMachine(self.plan, self.weights)


def _cancelling(bench: Bench, heads: tuple[int, int, int], size: float) -> None:
    """Uniform means of A, B and A + B to one lane, with +1, +1 and -1."""
    first = [bench.dims(h).start + i for i, h in enumerate(heads)]
    value, out = bench.matrix("v"), bench.matrix("o")
    a, b = (bench.rng.randrange(bench.plan.d_model) for _ in range(2))
    if bench.rng.random() < 0.7:
        a, b = bench.rng.sample(bench.plan.words["value"], 2)
    target = bench.lane()
    for d, lanes, sign in zip(first, ((a,), (b,), (a, b)), (1, 1, -1), strict=True):
        for lane in lanes:
            value[d, lane] += size
        out[target, d] = sign


def cancelling_head(bench: Bench) -> None:
    _cancelling(bench, (bench.spare,) * 3, 2.0 ** bench.rng.choice((19, 20, 21)))


def cancelling_heads(bench: Bench) -> None:
    both = bench.spare, bench.spare + 1
    _cancelling(bench, (both[0], both[0], both[1]), 2.0 ** bench.rng.choice((19, 20, 21)))


def head_and_its_opposite(bench: Bench) -> None:
    source = bench.busy_head()
    bench.copy_head(source, bench.spare, 1.0)
    bench.copy_head(source, bench.spare + 1, -1.0)


def head_undone(bench: Bench) -> None:
    bench.copy_head(bench.busy_head(), bench.spare, -1.0)


def head_to_another_lane(bench: Bench) -> None:
    source = bench.busy_head()
    bench.copy_head(source, bench.spare, 1.0)
    out = bench.matrix("o")
    dims = bench.dims(bench.spare)
    out[:, dims] = out[:, dims].roll(bench.rng.randrange(1, bench.plan.d_model), 0)


def split_head(bench: Bench) -> None:
    source = bench.busy_head()
    bench.copy_head(source, bench.spare, 1.0)
    middle = bench.rng.randrange(1, bench.plan.d_head)
    out = bench.matrix("o")
    out[:, bench.dims(source).start + middle : bench.dims(source).stop] = 0
    out[:, bench.dims(bench.spare).start : bench.dims(bench.spare).start + middle] = 0


def halved_heads(bench: Bench) -> None:
    source = bench.busy_head()
    bench.copy_head(source, bench.spare, 0.5)
    bench.matrix("o")[:, bench.dims(source)] *= 0.5


def third_column(bench: Bench) -> None:
    """A head that no longer looks at one lane of an address finds two columns, or another one."""
    head = bench.busy_head()
    name = bench.rng.choice("qk")
    dims = bench.dims(head)
    rows = bench.matrix(name)[dims].any(dim=1).nonzero().flatten().tolist()
    bench.matrix(name)[dims.start + bench.rng.choice(rows)] = 0


def captured_twice(bench: Bench) -> None:
    """All heads of a write once more: one column is changed by two of them."""
    last = len(bench.plan.blocks) - 1
    bench.block = next(
        b for b in range(last, -1, -1)
        if any(h.name.startswith("write") for h in bench.plan.blocks[b].heads)
    )  # fmt: skip
    names = [h.name for h in bench.plan.blocks[bench.block].heads]
    write = next(i for i, name in enumerate(names) if name.startswith("write"))
    for i in range(bench.rng.choice((1, 2))):
        bench.copy_head(write + i, bench.spare + i)


def constant_lane(bench: Bench) -> None:
    """A unit that works in some class of columns only, onto a lane that no one else changes."""
    unit, words = bench.unit, bench.plan.words
    gate, up, down = bench.matrix("gate"), bench.matrix("up"), bench.matrix("down")
    tag = bench.rng.choice([*words["cpu"], *words["device"], bench.one])
    sign = bench.rng.choice((1, -1))
    gate[unit, tag] += sign
    gate[unit, bench.one] += bench.rng.choice((0, 1))
    up[unit, bench.rng.choice((bench.one, *words["value"]))] = 1
    never = [i for i, tenants in enumerate(bench.plan.occupants) if not tenants]
    padding = list(range(len(bench.plan.occupants), bench.plan.d_model))
    static = [lane for name, lanes in words.items() if name in _STATIC for lane in lanes]
    down[bench.rng.choice([*static, *never, *padding]), unit] = bench.rng.choice((-2, -1, 1, 2))


_STATIC = ("one", "cpu", "device", "position", "position-1", "position-2", "value")


def constant_lane_by_a_head(bench: Bench) -> None:
    """A head goes to a static lane as well."""
    head = bench.busy_head()
    static = [lane for name, lanes in bench.plan.words.items() if name in _STATIC for lane in lanes]
    d = bench.dims(head).start + bench.rng.randrange(bench.plan.d_head)
    bench.matrix("o")[bench.rng.choice(static), d] = bench.rng.choice((-1, 1))


def units_scaled(bench: Bench) -> None:
    scale = 2.0 ** bench.rng.choice((-3, -1, 1, 3))
    bench.matrix("gate").mul_(scale)
    bench.matrix("down").div_(scale)


def units_scaled_by_three(bench: Bench) -> None:
    bench.matrix("up").mul_(3)
    bench.matrix("down").div_(3)


def units_split(bench: Bench) -> None:
    unit, new = bench.rng.randrange(bench.unit), bench.unit
    for name in ("gate", "up"):
        bench.matrix(name)[new] = bench.matrix(name)[unit]
    share = bench.rng.choice((0.5, 0.25, 2.0))
    bench.matrix("down")[:, new] = bench.matrix("down")[:, unit] * share
    bench.matrix("down")[:, unit] *= 1 - share


def units_permuted(bench: Bench) -> None:
    order = torch.randperm(
        bench.plan.d_ff, generator=torch.Generator().manual_seed(bench.rng.randrange(1 << 30))
    )
    names = ["gate", "up"] if bench.rng.random() < 0.8 else ["gate"]
    for name in names:
        bench.matrix(name).copy_(bench.matrix(name)[order])
    bench.matrix("down").copy_(bench.matrix("down")[:, order])


def unit_and_its_opposite(bench: Bench) -> None:
    """Large sums that cancel in the reals, exact or not."""
    size = 2.0 ** bench.rng.choice((2, 20, 24, 30))
    lane, target = bench.lane(), bench.lane()
    for unit, sign in ((bench.unit, 1), (bench.unit + 1, -1)):
        bench.matrix("gate")[unit, bench.one] = size
        bench.matrix("up")[unit, lane] = 1
        bench.matrix("down")[target, unit] = sign


def bias_in_a_dead_lane(bench: Bench) -> None:
    """A lane that always holds -1 is as good as a constant, where it stays so."""
    dead = bench.plan.d_model - 1
    name = bench.rng.choice(("q", "k", "v", "gate", "up"))
    rows = bench.matrix(name)[:, bench.one].nonzero().flatten().tolist()
    if rows:
        row = bench.rng.choice(rows)
        bench.matrix(name)[row, dead] -= bench.matrix(name)[row, bench.one]
        bench.matrix(name)[row, bench.one] = 0
    if bench.rng.random() < 0.5:
        bench.matrix("up")[bench.unit, bench.one] = 1
        bench.matrix("gate")[bench.unit, bench.one] = 1
        bench.matrix("down")[dead, bench.unit] = 2


def no_number(bench: Bench) -> None:
    weight = bench.matrix(bench.rng.choice(("q", "k", "v", "o", "gate", "up", "down")))
    value = bench.rng.choice((float("nan"), float("inf"), -float("inf"), 2.0**100, 2.0**-140))
    place = bench.rng.randrange(weight.shape[0]), bench.rng.randrange(weight.shape[1])
    weight[place] = value


def gain(bench: Bench) -> None:
    names = [name for name, weight in bench.weights.items() if weight.dim() == 1]
    weight = bench.weights[bench.rng.choice([*names, "norm.weight"])]
    if bench.rng.random() < 0.5:
        weight.fill_(bench.rng.choice((2.0, -1.0, 1 + 2.0**-23)))
    else:
        values = (2.0, -1.0, 0.0, float("nan"), float("inf"), 1 - 2.0**-24)
        weight[bench.lane()] = bench.rng.choice(values)


def padded_head(bench: Bench) -> None:
    """Queries, keys and values of a head that carries nothing."""
    dims = bench.dims(bench.spare)
    size = bench.rng.choice((1.0, 2.0**40, 2.0**70, float("inf")))
    names = bench.rng.choice((("q", "k"), ("v",), ("q", "v")))
    for name in names:
        bench.matrix(name)[dims.start, bench.lane()] = size
    if bench.rng.random() < 0.5 and "v" not in names:
        bench.matrix("o")[bench.lane(), dims.start] = 1.0


def padded_unit(bench: Bench) -> None:
    unit, size = bench.unit, bench.rng.choice((1.0, 2.0**40, 2.0**70, 2.0**127))
    parts = bench.rng.choice((("gate", "up"), ("gate",), ("up",)))
    for name in parts:
        bench.matrix(name)[unit, bench.lane()] = size
    if len(parts) == 1:
        bench.matrix("down")[bench.lane(), unit] = 1.0


def colder(bench: Bench) -> None:
    """A head that is less than one-hot, with a plan that admits it, or does not."""
    head, factor = bench.busy_head(), bench.rng.choice((2, 8, 64, 512))
    bench.matrix("q")[bench.dims(head)] /= factor
    heads = list(bench.plan.blocks[bench.block].heads)
    if bench.rng.random() < 0.5 and heads[head].beta % factor == 0:
        heads[head] = dataclasses.replace(heads[head], beta=heads[head].beta // factor)
        bench.tell(tuple(heads))


def uniform(bench: Bench) -> None:
    """A head that finds every column alike."""
    head = bench.busy_head()
    bench.matrix(bench.rng.choice("qk"))[bench.dims(head)] = 0


KINDS: dict[str, Callable[[Bench], None]] = {
    "values of an idle head that cancel": cancelling_head,
    "values of two idle heads that cancel": cancelling_heads,
    "a head and its opposite": head_and_its_opposite,
    "a head undone by another": head_undone,
    "a head cloned to other lanes": head_to_another_lane,
    "a head split in two": split_head,
    "a head halved and doubled": halved_heads,
    "another column captured": third_column,
    "a column captured twice": captured_twice,
    "a constant lane, by an MLP": constant_lane,
    "a constant lane, by a head": constant_lane_by_a_head,
    "units scaled": units_scaled,
    "units scaled by 3": units_scaled_by_three,
    "a unit split": units_split,
    "units permuted": units_permuted,
    "a unit and its opposite": unit_and_its_opposite,
    "a bias in a dead lane": bias_in_a_dead_lane,
    "NaN, infinity, huge and tiny": no_number,
    "gains of norms": gain,
    "weights in a padded head": padded_head,
    "weights in a padded unit": padded_unit,
    "a head that is less than one-hot": colder,
    "a head that finds all alike": uniform,
}
