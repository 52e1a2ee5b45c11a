"""Proof that lifted code does what the weights do, phase by phase, for all states.

It is an induction. At the beginning of a pass, the driver's lanes are the bits of the state's words
or constants, and passive columns are the packed lanes of their cells or constants. If that holds at
a cut, it holds at the next: each lane of the driver becomes what the heads or the hidden units make
of it, the code stores a cell where the driver's keys capture its column, and nothing else changes.
The end of a pass states what the beginning states.

Several drivers are one driver with any of their states (`_check_drivers`).

The weights are the integers of `looped.analysis`. Of the analysis that made the code, the proof
uses only the claims, and proves each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from looped.analysis.model import Block, Model
from looped.diagrams import Diagrams, Node, TooLarge
from looped.engines.lifted.conditions import Bit
from looped.engines.lifted.lift import Lifted
from looped.engines.lifted.several import check_several
from looped.errors import CompileError
from looped.verify.certificate.claims import ClaimFailed
from looped.verify.certificate.thresholds import Affine, Product, evaluated
from looped.verify.translation.attention import Attention
from looped.verify.translation.cut_state import CutState
from looped.verify.translation.lifted_pass import LiftedPass, WrongLift
from looped.verify.translation.reader import WORD
from looped.verify.translation.structure import check_structure

__all__ = ["ProofSize", "WrongLift", "proof", "validate"]


@dataclass(frozen=True, slots=True)
class ProofSize:
    """The number of proved claims about bits, and the nodes of the largest space of diagrams."""

    claims: int
    nodes: int


def validate(model: Model, lifted: Lifted) -> None:
    """Raise WrongLift unless lifted code does in every state what the model does: see `proof`."""
    proof(model, lifted)


def proof(model: Model, lifted: Lifted) -> ProofSize:
    """Prove that lifted code does in every state what the model does. Raises WrongLift.

    Wherever no guard of the code fails, one pass of it leaves all lanes of all columns as one pass
    of the model does; its loads, stores and tables stay in bounds.
    """
    check_structure(model, lifted)
    lifted_pass = LiftedPass(lifted)
    try:
        _validate(lifted_pass, model)
    except TooLarge as error:
        raise WrongLift(f"not shown: {error}") from None
    return ProofSize(lifted_pass.claims, lifted_pass.nodes)


def _validate(lifted_pass: LiftedPass, model: Model) -> None:
    _check_drivers(lifted_pass)
    for number, block in enumerate(model.blocks):
        Attention(lifted_pass, block, 2 * number).check()
        _check_mlp(lifted_pass, block, 2 * number + 1)
        for cut in (2 * number, 2 * number + 1):
            _check_places(lifted_pass, cut)
    _check_places(lifted_pass, 2 * len(model.blocks))
    _check_end(lifted_pass)


def _check_drivers(lifted_pass: LiftedPass) -> None:
    """One driver stands for all, and in turn they do not see each other's stores.

    What is proved for the first one holds for all: they have its known lanes, and nobody attends to
    one that does not capture it. A column that two capture in one pass ends that pass at run time.
    """
    found = lifted_pass.lifted.behaviour
    drivers, columns = found.drivers.tolist(), found.columns.tolist()
    both = sorted([*drivers[1:], *columns])
    if both != list(range(len(both))) or [columns[found.driver]] != drivers[:1]:
        raise WrongLift("the code has other columns than the model")
    if len(drivers) > 1:
        try:
            check_several(lifted_pass.code)
        except CompileError as error:
            raise WrongLift(str(error)) from None


def _check_mlp(lifted_pass: LiftedPass, block: Block, cut: int) -> None:
    """Hidden units make each lane of the driver what the code says, and leave others alone."""
    now, after = lifted_pass.cuts[cut].lanes, lifted_pass.cuts[cut + 1].lanes
    end = lifted_pass.cuts[cut + 1].end
    if lifted_pass.stores(lifted_pass.cuts[cut].end, end):
        raise WrongLift("a store in the middle of an MLP")
    for lane in range(len(now)):
        units = np.flatnonzero(block.down[lane]).tolist()
        if not units and now[lane] == after[lane]:
            continue
        state = CutState(lifted_pass, cut, end)
        for unit in units:
            _touch(state, block, unit)
        state.touch_sources(lane)
        products = [_product(state, block, lane, unit) for unit in units]
        change = _evaluated(state.space, products)
        total = state.space.add(state.lane(lane), change)
        state.require_equal(state.after(lane), total, f"block {cut // 2}, MLP: lane {lane}")
    _check_passive_mlp(lifted_pass, block, cut // 2)


def _evaluated(space: Diagrams, products: Iterable[Product]) -> Node:
    """The sum of products. Raises WrongLift unless it is a short sum of thresholds."""
    found = evaluated(space, products)
    if isinstance(found, ClaimFailed):
        raise WrongLift(f"not shown: {found.reason}")
    return found


def _touch(state: CutState, block: Block, unit: int) -> None:
    """Heavy lanes of a gate come first in the order of variables, then those of the up
    projection."""
    gate = block.gate[unit]
    state.touch(sorted(np.flatnonzero(gate).tolist(), key=lambda lane: -abs(int(gate[lane]))))
    state.touch(np.flatnonzero(block.up[unit]).tolist())


def _product(state: CutState, block: Block, lane: int, unit: int) -> Product:
    factor = Fraction(int(block.down[lane, unit]), block.down_one)
    return Product(_affine(state, block.gate[unit]), _affine(state, block.up[unit]), factor)


def _affine(state: CutState, row: np.ndarray) -> Affine:
    """A form over the bits that hold the driver's lanes."""
    constant, terms = 0, dict[object, int]()
    for lane in np.flatnonzero(row).tolist():
        held, weight = state.lanes[lane], int(row[lane])
        if isinstance(held, Bit):
            name = ("bit", held.value, held.place)
            terms[name] = terms.get(name, 0) + weight
        else:
            constant += weight if held else -weight
    return Affine(tuple((name, w) for name, w in terms.items() if w), constant)


def _check_passive_mlp(lifted_pass: LiftedPass, block: Block, number: int) -> None:
    """Hidden units add nothing to a passive column, whatever its free lanes hold."""
    passive = np.delete(lifted_pass.known, lifted_pass.driver, axis=0)
    read = np.flatnonzero(block.gate.any(axis=0) | block.up.any(axis=0))
    for kind in np.unique(passive[:, read], axis=0):
        signs = dict(zip(read.tolist(), kind.tolist(), strict=True))

        def form(row: np.ndarray, signs: dict[int, int] = signs) -> Affine:
            lanes = [(lane, int(row[lane])) for lane in np.flatnonzero(row).tolist()]
            terms = tuple((lane, weight) for lane, weight in lanes if not signs[lane])
            return Affine(terms, sum(weight * signs[lane] for lane, weight in lanes))

        forms = [(form(g), form(u)) for g, u in zip(block.gate, block.up, strict=True)]
        open_ = [n for n, (gate, up) in enumerate(forms) if _may_add(gate, up)]
        for lane in np.flatnonzero(block.down[:, open_].any(axis=1)) if open_ else ():
            units = [n for n in open_ if block.down[lane, n]]
            products = [Product(*forms[n], int(block.down[lane, n])) for n in units]
            space = Diagrams()
            if _evaluated(space, products) != space.zero:
                raise WrongLift(f"block {number}: the MLP changes lane {lane} of passive columns")


def _may_add(gate: Affine, up: Affine) -> bool:
    reach = gate.constant
    for _, weight in gate.terms:
        reach += max(weight, -weight)
    return reach > 0 and bool(up.terms or up.constant)


def _check_places(lifted_pass: LiftedPass, cut: int) -> None:
    """Loads, stores, tables and shifts of the code from a cut to the next stay in bounds."""
    ends = [each.end for each in lifted_pass.cuts]
    first, end = (*ends, len(lifted_pass.code.instructions))[cut : cut + 2]
    for n in range(first, end):
        found = _index(lifted_pass, n)
        if found is None:
            continue
        index, size = found
        state = CutState(lifted_pass, cut, n)
        inside = state.reader.below(state.reader.word(index), state.reader.number(size))
        operation = lifted_pass.code.instructions[n].operation
        what = f"instruction {n}: {operation} out of bounds"
        state.exclude(state.space.negated(inside), what)


def _index(lifted_pass: LiftedPass, n: int) -> tuple[int, int] | None:
    """The operand of an instruction that must be less than a number, and that number."""
    code = lifted_pass.code
    instruction = code.instructions[n]
    match instruction.operation:
        case "load" | "store":
            return instruction.operands[0], lifted_pass.columns + 1
        case "table":
            return instruction.operands[0], len(code.tables[instruction.number])
        case "shl" | "shr":
            count = code.number(instruction.operands[1])
            return (instruction.operands[1], WORD) if count is None or count >= WORD else None
    return None


def _check_end(lifted_pass: LiftedPass) -> None:
    """The words of the next pass hold the driver's lanes as the words of this pass do."""
    last, size = len(lifted_pass.cuts) - 1, len(lifted_pass.code.instructions)
    if lifted_pass.stores(lifted_pass.cuts[last].end, size):
        raise WrongLift("a store after the last block")
    kept: set[int] = set()
    for word, value in zip(lifted_pass.lifted.words, lifted_pass.code.following, strict=True):
        state = CutState(lifted_pass, last, size)
        bits = [state.sign(bit) for bit in state.reader.word(value)]
        for place, bit in enumerate(bits):
            lane = word[place] if place < len(word) else None
            expected = state.space.number(-1) if lane is None else state.lane(lane)
            state.require_equal(bit, expected, f"the next state's bit {place} of {word}")
        kept.update(word)
    for lane in {*range(lifted_pass.known.shape[1])} - kept:
        state = CutState(lifted_pass, last, size)
        sign = int(lifted_pass.known[lifted_pass.driver, lane])
        expected = state.space.number(sign)
        state.require_equal(state.lane(lane), expected, f"lane {lane} is not always {sign}")
