"""What a found part is: right, one-hot, made of thresholds, certified after rounding."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from looped import registry
from looped.artefact.plan import CompiledMachine
from looped.learn.circuits.descent import Found, descend, ends
from looped.learn.circuits.recorded import Part, Recorded, parts, recorded, weights_of
from looped.learn.circuits.rounding import rounded
from looped.learn.markdown import table
from looped.precision import FLOAT32
from looped.verify.certificate import certify

__all__ = ["Row", "certified", "judge", "replaced", "report", "thresholds"]

_LOOPS, _FRESH = 6000, 1000
"""Recorded loops to train on, and to measure on."""

_BEGINNINGS = 3
"""Random weights from which a head may begin: from some it finds no column."""

_STRAIGHT = 0.95
"""The cosine between the weights of a threshold and powers of two."""


@dataclass(frozen=True, slots=True)
class Row:
    """A part that descent has found.

    `right` is the share of fresh loops after which every lane has the right sign. `weight` is the
    mean of the largest attention weight in the column to which the part adds most, `same` how often
    it is on the column of the compiled head; None without heads. `found` and `compiled` count the
    units whose gate is a sum of bits weighted by powers of two. `rounded` is the share of fresh
    loops in which the rounded part adds exactly what the compiled one adds, and `certified` whether
    the certificate accepts the machine with it. A wrong loop is a proof that it must not.
    """

    part: Part
    right: float
    weight: float | None
    same: float | None
    found: int
    compiled: int
    rounded: float
    certified: bool


def judge(
    machine: CompiledMachine, part: Part, loops: Recorded, unseen: Recorded, steps: int, seed: int
) -> Row:
    """Train a part alone from random weights, and measure it on loops that it has not seen.

    A head that is not right in all of its own loops begins again, up to three times in all; the
    best one counts.
    """
    compiled = Found.of(machine, part)
    found, best = compiled, -1.0
    for beginning in range(_BEGINNINGS if part.kind == "head" else 1):
        new = descend(machine, part, loops, steps, seed + beginning)
        right = _right(part, new, compiled, loops.first(len(unseen)))
        if right > best:
            found, best = new, right
        if best == 1:
            break
    columns = _every(unseen)
    _, wanted = ends(part, compiled, compiled, unseen, columns)
    weight = same = None
    if part.heads:
        added = compiled(part, unseen, columns).abs().sum(-1)
        weight, same = _attention(found, compiled, unseen, added.argmax(1, keepdim=True))
    simple = rounded(part, found, compiled, loops, machine.plan.words.values())
    simpler, _ = ends(part, simple, compiled, unseen, columns)
    exact = _share(simpler == wanted)
    return Row(
        part=part,
        right=_right(part, found, compiled, unseen),
        weight=weight,
        same=same,
        found=thresholds(machine, found),
        compiled=thresholds(machine, compiled),
        rounded=exact,
        certified=exact == 1 and certified(replaced(machine, part, simple)),
    )


def _right(part: Part, found: Found, compiled: Found, loops: Recorded) -> float:
    """The share of loops after which every lane has the right sign."""
    own, wanted = ends(part, found, compiled, loops, _every(loops))
    return _share((own > 0) == (wanted > 0))


def _every(loops: Recorded) -> Tensor:
    """All columns of all loops (loops, columns)."""
    return torch.arange(loops.before.shape[1]).expand(len(loops), -1)


def _share(right: Tensor) -> float:
    return right.flatten(1).all(-1).float().mean().item()


def _attention(
    found: Found, compiled: Found, loops: Recorded, columns: Tensor
) -> tuple[float, float]:
    """The mean largest weight of the found heads in one column (B, 1) of each loop, and how often
    it is on the column of the compiled head."""
    queries = loops.before.gather(1, columns[..., None].expand(-1, -1, loops.before.shape[-1]))
    weights, agree = [], []
    for new, old in zip(found.heads, compiled.heads, strict=True):
        patterns = []
        for head in (new, old):
            scores = queries @ head.w_q.T @ (loops.before @ head.w_k.T).mT
            patterns.append((scores / len(head.w_q) ** 0.5).softmax(-1))
        weights.append(patterns[0].max(-1).values.mean().item())
        agree.append((patterns[0].argmax(-1) == patterns[1].argmax(-1)).float().mean().item())
    return sum(weights) / len(weights), sum(agree) / len(agree)


def thresholds(machine: CompiledMachine, found: Found) -> int:
    """How many units have a gate that weighs at least three bits of a word, or more, by powers of
    two: the sums to which carries compare."""
    count = 0
    for gate in found.gate:
        runs = [gate[list(lanes)] for lanes in _words(machine)]
        count += any(_powers(run) for run in runs)
    return count


def _words(machine: CompiledMachine) -> list[tuple[int, ...]]:
    """The lanes of every word of at least three bits, also of those within a loop."""
    plan = machine.plan
    held: dict[str, dict[int, int]] = {}
    for lane, occupants in enumerate(plan.occupants):
        for each in occupants:
            held.setdefault(each.word, {})[each.bit] = lane
    inside = (tuple(bits[bit] for bit in sorted(bits)) for bits in held.values())
    return [lanes for lanes in {*plan.words.values(), *inside} if len(lanes) >= 3]


def _powers(run: Tensor) -> bool:
    for length in range(3, len(run) + 1):
        own, ideal = run[:length], 2.0 ** torch.arange(length)
        size = own.norm() * ideal.norm()
        if bool(own.norm() > 0.1) and bool((own @ ideal).abs() >= _STRAIGHT * size):
            return True
    return False


def replaced(machine: CompiledMachine, part: Part, found: Found) -> CompiledMachine:
    """The machine with a found part in place of its own."""
    weights = {name: weight.clone() for name, weight in machine.weights.items()}
    own = weights_of(dataclasses.replace(machine, weights=weights), part.block, copy=False)
    for index, head in zip(part.heads, found.heads, strict=True):
        for kind in ("w_q", "w_k", "w_v", "w_o"):
            getattr(own.heads[index], kind)[:] = getattr(head, kind).detach()
    units = list(part.units)
    own.w_gate[units], own.w_up[units] = found.gate.detach(), found.up.detach()
    own.w_down[:, units] = found.down.detach()
    return dataclasses.replace(machine, weights=weights)


def certified(machine: CompiledMachine) -> bool:
    """Whether the certificate accepts a machine, for all states."""
    plan = machine.plan
    circuit = registry.machine(plan.machine).circuit(plan.width, plan.memory, None, FLOAT32)
    return all(claim.holds for claim in certify(machine, circuit).claims)


def report(
    machine: CompiledMachine,
    steps: int,
    seed: int,
    note: Callable[[str], None] = lambda text: None,
    wanted: tuple[str, ...] = (),
    loops: int = _LOOPS,
) -> str:
    """The table of all parts, or of those with these names."""
    rows, block = [], -1
    for part in parts(machine):
        if wanted and str(part) not in wanted:
            continue
        note(f"block {part.block + 1}, {part}")
        if part.block != block:
            block = part.block
            known = recorded(machine, block, loops, seed)
            unseen = recorded(machine, block, min(loops, _FRESH), seed + 1)
        rows.append(_cells(judge(machine, part, known, unseen, steps, seed)))
    head = ["part", "block", "loops right", "largest weight", "same column"]
    return table([*head, "thresholds (compiled)", "exact when rounded", "certified"], rows)


def _cells(row: Row) -> list[str]:
    attention = ["", ""] if row.weight is None else [f"{row.weight:.3f}", f"{row.same:.1%}"]
    units = f"{row.found} of {len(row.part.units)} ({row.compiled})" if row.part.units else ""
    verdict = "yes" if row.certified else "no"
    return [
        str(row.part), f"{row.part.block + 1}", f"{row.right:.1%}", *attention, units,
        f"{row.rounded:.1%}", verdict,
    ]  # fmt: skip
