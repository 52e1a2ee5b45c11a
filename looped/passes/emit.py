"""Layout to weights: W_Q, W_K, W_V, W_O, W_gate, W_up, W_down, with indices instead of names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import (
    BlockPlan,
    CompiledMachine,
    GroupPlan,
    HeadPlan,
    Plan,
    Workers,
)
from looped.artefact.stored_weights import StoredWeights
from looped.artefact.validity import check_plan
from looped.circuit.circuit import Circuit
from looped.circuit.names import plain
from looped.circuit.words import ONE, Form, Lane
from looped.passes.allocate import (
    Layout,
    allocate,
    check_layout,
    padded_width,
    planned_occupants,
    word_formats,
    words_between_loops,
)
from looped.passes.checks import checked, ensure
from looped.passes.fuse_reads import fuse_reads
from looped.passes.heads import Head, check_beta, erase_head, read_head, write_head
from looped.passes.schedule import LOOP_START, Schedule, check_schedule, schedule
from looped.passes.undo import late_registers
from looped.passes.units import CLEAR, Unit, units

__all__ = [
    "block_heads",
    "check_weights",
    "compile_circuit",
    "emit",
    "explain_head",
    "explain_units",
]

Matrix = npt.NDArray[np.float32]


def compile_circuit(
    circuit: Circuit,
    code: Iterable[int] | None = None,
    workers: int = 1,
    beta: float | None = None,
    undo: bool = False,
) -> CompiledMachine:
    """Compile a circuit to the weights of a looped transformer.

    `code` lists the addresses of instructions that the circuit contains, None if it is universal.
    Of `workers` only the plan knows. `beta` is the inverse temperature of all heads; by default the
    weights of all columns that lose underflow. With `undo` the weights are those of a stack that
    keeps only the changes of its last block (`undo`). Raises CompileError for an invalid circuit,
    for a number of workers that it cannot have, and for an inverse temperature other than a
    positive multiple of BETA_STEP.
    """
    if beta is not None:
        check_beta(beta)
    circuit.check()
    fused = fuse_reads(late_registers(circuit) if undo else circuit)
    scheduled = checked(schedule(fused, late=undo), check_schedule)
    layout = checked(allocate(scheduled), partial(check_layout, scheduled))
    made = emit(scheduled, layout, code, beta, undo)
    return checked(made.with_workers(workers), check_weights)


def emit(
    schedule: Schedule,
    layout: Layout,
    code: Iterable[int] | None = None,
    beta: float | None = None,
    undo: bool = False,
) -> CompiledMachine:
    """The weights and the plan of a scheduled circuit with a layout."""
    circuit = schedule.circuit
    heads = [block_heads(schedule, block) for block in range(schedule.blocks)]
    if beta is not None:
        heads = [[replace(head, beta=beta) for head in block] for block in heads]
    last = 2 * schedule.blocks - 1
    mlps = [
        units(schedule, layout, phase, last - 1 if undo and phase == last else LOOP_START)
        for phase in range(1, last + 1, 2)
    ]
    n_heads = max(1, *map(len, heads))
    words = words_between_loops(circuit)
    kept = _lanes_between_loops(circuit, layout)
    plan = Plan(
        machine=circuit.name,
        width=circuit.width,
        memory=1 << circuit.address_bits,
        d_model=padded_width(len(layout), n_heads, circuit.precision),
        n_heads=n_heads,
        d_head=_head_size(circuit, heads),
        d_ff=max(1, *map(len, mlps)),
        words={name: tuple(layout.index[lane] for lane in w) for name, w in words.items()},
        formats=word_formats(circuit),
        registers=tuple(register.name for register in circuit.registers),
        occupants=planned_occupants(circuit, layout, schedule.blocks),
        blocks=tuple(
            BlockPlan(tuple(map(explain_head, h)), explain_units(m))
            for h, m in zip(heads, mlps, strict=True)
        ),
        ports=circuit.ports,
        code=tuple(sorted(code or ())),
        baked=code is not None,
        parameters=dict(circuit.parameters),
        n_registers=1 << circuit.register_bits if circuit.register_bits else 0,
        has_input=circuit.has_input,
        halted=None if circuit.halted is None else kept[circuit.halted],
        busy=None if circuit.busy is None else kept[circuit.busy],
        scratch=tuple(kept[lane] for word in circuit.scratch for lane in word),
        workers=_one_worker(circuit),
        dtype=circuit.precision.name,
    )
    weights = _weights(plan, layout, heads, mlps)
    return CompiledMachine(plan, StoredWeights(None, lambda: weights))


def _one_worker(circuit: Circuit) -> Workers | None:
    """The workers of a machine that may have several: one at first."""
    if circuit.workers is None:
        return None
    names = {register.word: register.name for register in circuit.registers}
    return Workers(1, names[circuit.workers.number], names[circuit.workers.mask])


def _lanes_between_loops(circuit: Circuit, layout: Layout) -> dict[Lane, int]:
    """The index, between loops, of each lane of a register."""
    return {
        old: layout.index[new]
        for register in circuit.registers
        for old, new in zip(register.word, register.following or register.word, strict=True)
    }


def block_heads(schedule: Schedule, block: int) -> list[Head]:
    """The heads of a block, in their order."""
    circuit = schedule.circuit
    placed = schedule.reads.get(2 * block, [])
    heads = [read_head(read, circuit) for read in circuit.reads if read in placed]
    for write in schedule.writes.get(2 * block, []):
        heads += [write_head(write, circuit), erase_head(write, circuit)]
    return heads


def _head_size(circuit: Circuit, heads: Sequence[Sequence[Head]]) -> int:
    """The smallest power of four (or 16) that holds a word, a position, and every head.

    1/√d_head is then exact; with 16, so is its square root, by which some kernels scale q and k.
    """
    rows = (len(part) for block in heads for h in block for part in (h.query, h.key, h.value))
    needed = max(circuit.width, circuit.address_bits + 1, *rows)
    size = base = circuit.precision.head_base
    while size < needed:
        size *= base
    return size


def check_weights(machine: CompiledMachine) -> None:
    """Raise InvalidError unless weights are finite, of the planned shapes, with gains of one.

    Only planned heads and units have weights. Raises ValueError for an invalid plan.
    """
    plan = machine.plan
    check_plan(plan)
    weights = machine.arrays
    shapes = {name: w.shape for name, w in weights.items()}
    ensure(shapes == plan.shapes(), "weights do not have the planned shapes")
    for name, weight in weights.items():
        ensure(np.isfinite(weight).all(), f"`{name}` is not finite")
        ensure(weight.ndim == 2 or (weight == 1).all(), f"`{name}` is not a gain of one")
    for number, block in enumerate(plan.blocks):
        own = f"layers.{number}"
        rows = len(block.heads) * plan.d_head
        for part in "qkv":
            idle = weights[f"{own}.self_attn.{part}_proj.weight"][rows:]
            ensure(not idle.any(), f"block {number} has more heads than planned")
        units = {unit for group in block.groups for unit in group.units}
        gate = weights[f"{own}.mlp.gate_proj.weight"]
        used = set(np.flatnonzero(gate.any(axis=1)).tolist())
        ensure(used <= units, f"block {number} has more units than planned")


def _weights(
    plan: Plan, layout: Layout, heads: Sequence[Sequence[Head]], mlps: Sequence[Sequence[Unit]]
) -> dict[str, Matrix]:
    weights = {}
    for block, (block_heads, block_units) in enumerate(zip(heads, mlps, strict=True)):
        matrices = {**_attention(plan, layout, block_heads), **_mlp(plan, layout, block_units)}
        for norm in ("input_layernorm", "post_attention_layernorm"):
            matrices[norm] = np.ones(plan.d_model, np.float32)
        weights.update({f"layers.{block}.{name}.weight": w for name, w in matrices.items()})
    weights["norm.weight"] = np.ones(plan.d_model, np.float32)
    return weights


def _attention(plan: Plan, layout: Layout, heads: Sequence[Head]) -> dict[str, Matrix]:
    inner = plan.n_heads * plan.d_head
    q, k, v = (np.zeros((inner, plan.d_model), np.float32) for _ in range(3))
    o = np.zeros((plan.d_model, inner), np.float32)
    for i, head in enumerate(heads):
        first = i * plan.d_head
        scale = head.beta * math.isqrt(plan.d_head)
        _fill(q, first, [form * Fraction(scale) for form in head.query], layout)
        _fill(k, first, head.key, layout)
        _fill(v, first, head.value, layout)
        for row, lane in enumerate(head.output, start=first):
            o[layout.index[lane], row] = head.factor
    return {f"self_attn.{n}_proj": w for n, w in zip("qkvo", (q, k, v, o), strict=True)}


def _mlp(plan: Plan, layout: Layout, block_units: Sequence[Unit]) -> dict[str, Matrix]:
    gate, up = (np.zeros((plan.d_ff, plan.d_model), np.float32) for _ in range(2))
    down = np.zeros((plan.d_model, plan.d_ff), np.float32)
    _fill(gate, 0, [unit.gate for unit in block_units], layout)
    _fill(up, 0, [unit.up for unit in block_units], layout)
    for j, unit in enumerate(block_units):
        for index, factor in unit.down.items():
            down[index, j] = float(factor)
    return {"mlp.gate_proj": gate, "mlp.up_proj": up, "mlp.down_proj": down}


def _fill(matrix: Matrix, first: int, forms: Iterable[Form], layout: Layout) -> None:
    """Write forms into the rows of a matrix; constants are coefficients of the lane that is always
    +1."""
    for row, form in enumerate(forms, start=first):
        for lane, coefficient in form.terms.items():
            matrix[row, layout.index[lane]] += float(coefficient)
        matrix[row, layout.index[ONE]] += float(form.constant)


def explain_head(head: Head) -> HeadPlan:
    """A head by the names of its words."""
    return HeadPlan(
        name=head.name,
        meaning=head.meaning,
        query=_named(lane for form in head.query for lane in form.terms),
        key=_named(lane for form in head.key for lane in form.terms),
        value=_named(lane for form in head.value for lane in form.terms),
        output=_named(head.output),
        margin=head.margin,
        beta=head.beta,
    )


def explain_units(block_units: Sequence[Unit]) -> tuple[GroupPlan, ...]:
    """Units grouped by the first definition that uses them; the words of each group."""
    groups: dict[str, list[int]] = {}
    for j, unit in enumerate(block_units):
        groups.setdefault(next(iter(unit.names)), []).append(j)
    plans = []
    for name, members in groups.items():
        forms = (f for j in members for f in (block_units[j].gate, block_units[j].up))
        reads = _named(lane for form in forms for lane in form.terms)
        plans.append(GroupPlan(name, tuple(members), reads, reads if name == CLEAR else (name,)))
    return tuple(plans)


def _named(lanes: Iterable[Lane]) -> tuple[str, ...]:
    """Lanes joined to words: `pc[0:10]`."""
    words: dict[str, set[int]] = {}
    for lane in lanes:
        words.setdefault(plain(lane.word), set()).add(lane.index)
    return tuple(_slice(name, sorted(found)) for name, found in words.items())


def _slice(name: str, found: list[int]) -> str:
    if found == [0] and name in ("cpu", "device", "one"):
        return name
    if found == list(range(found[0], found[-1] + 1)):
        return f"{name}[{found[0]}]" if len(found) == 1 else f"{name}[{found[0]}:{found[-1] + 1}]"
    return f"{name}[{','.join(map(str, found))}]"
