"""Lifted code against the weights, half a block after the other, for all states.

The claims are those of an induction. At the beginning of a pass the driver's lanes are the bits of
the state's words or constants, and passive columns are the packed lanes of their cells or
constants. If that is so at a cut, it is so at the next: each lane of the driver becomes what the
heads or the hidden units make of it, cells are stored as the driver's keys capture columns, and
nothing else changes. At the end of a pass it is as it was said of the beginning.

The weights are the integers of `looped.analysis`; nothing is taken from the analysis by which
the code was made but its claims.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from looped.analysis.model import Block, Model
from looped.diagrams import Diagrams, TooLarge
from looped.engines.lifted.conditions import Bit
from looped.engines.lifted.lift import Lifted
from looped.verify.certificate.steps import Affine, NotSteps, Product, evaluated
from looped.verify.translation.attention import Attention
from looped.verify.translation.scene import Scene
from looped.verify.translation.story import Story, WrongLift

__all__ = ["Proof", "WrongLift", "proof", "validate"]


@dataclass(frozen=True, slots=True)
class Proof:
    """How many claims about bits were shown, and the nodes of the largest space of diagrams."""

    claims: int
    nodes: int


def validate(model: Model, lifted: Lifted) -> None:
    """Raise WrongLift unless lifted code does in every state what the model does: see `proof`."""
    proof(model, lifted)


def proof(model: Model, lifted: Lifted) -> Proof:
    """Show that lifted code does in every state what the model does. Raises WrongLift.

    That is: wherever no guard of the code fails, one pass of it leaves all lanes of all columns as
    one pass of the model would; its loads, stores and tables stay inside of what is there.
    """
    story = Story(lifted)
    try:
        _validate(story, model)
    except (TooLarge, NotSteps) as error:
        raise WrongLift(f"not shown: {error}") from None
    return Proof(story.claims, story.nodes)


def _validate(story: Story, model: Model) -> None:
    if len(story.cuts) != 2 * len(model.blocks) + 1:
        raise WrongLift("the code has other cuts than the model has blocks")
    for number, block in enumerate(model.blocks):
        Attention(story, block, 2 * number).check()
        _check_mlp(story, block, 2 * number + 1)
        for cut in (2 * number, 2 * number + 1):
            _check_places(story, cut)
    _check_end(story)


def _check_mlp(story: Story, block: Block, cut: int) -> None:
    """Hidden units make each lane of the driver what the code says, and leave others alone."""
    now, after = story.cuts[cut].lanes, story.cuts[cut + 1].lanes
    end = story.cuts[cut + 1].end
    if story.stores(story.cuts[cut].end, end):
        raise WrongLift("a store in the middle of an MLP")
    for lane in range(len(now)):
        units = np.flatnonzero(block.down[lane]).tolist()
        if not units and now[lane] == after[lane]:
            continue
        scene = Scene(story, cut, end)
        for unit in units:
            _touch(scene, block, unit)
        products = [_product(scene, block, lane, unit) for unit in units]
        total = scene.space.add(scene.lane(lane), evaluated(scene.space, products))
        scene.require_equal(scene.after(lane), total, f"block {cut // 2}, MLP: lane {lane}")
    _check_passive_mlp(story, block, cut // 2)


def _touch(scene: Scene, block: Block, unit: int) -> None:
    """Heavy lanes of a gate come first in the order of variables, then those of the up."""
    gate = block.gate[unit]
    scene.touch(sorted(np.flatnonzero(gate).tolist(), key=lambda lane: -abs(int(gate[lane]))))
    scene.touch(np.flatnonzero(block.up[unit]).tolist())


def _product(scene: Scene, block: Block, lane: int, unit: int) -> Product:
    factor = Fraction(int(block.down[lane, unit]), block.down_one)
    return Product(_affine(scene, block.gate[unit]), _affine(scene, block.up[unit]), factor)


def _affine(scene: Scene, row: np.ndarray) -> Affine:
    """A form over the bits that hold the driver's lanes."""
    constant, terms = 0, dict[object, int]()
    for lane in np.flatnonzero(row).tolist():
        state, weight = scene.lanes[lane], int(row[lane])
        if isinstance(state, Bit):
            name = ("bit", state.value, state.place)
            terms[name] = terms.get(name, 0) + weight
        else:
            constant += weight if state else -weight
    return Affine(tuple((name, w) for name, w in terms.items() if w), constant)


def _check_passive_mlp(story: Story, block: Block, number: int) -> None:
    """Hidden units add nothing to a passive column, whatever its free lanes hold."""
    passive = np.delete(story.known, story.driver, axis=0)
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
            if evaluated(space, products) != space.zero:
                raise WrongLift(f"block {number}: the MLP changes lane {lane} of passive columns")


def _may_add(gate: Affine, up: Affine) -> bool:
    reach = gate.constant
    for _, weight in gate.terms:
        reach += max(weight, -weight)
    return reach > 0 and bool(up.terms or up.constant)


def _check_places(story: Story, cut: int) -> None:
    """Loads, stores and tables of the code between two cuts stay inside of what is there."""
    first, end = story.cuts[cut].end, story.cuts[cut + 1].end
    for n in range(first, end):
        instruction = story.code.instructions[n]
        match instruction.operation:
            case "load" | "store":
                size = story.columns + 1
            case "table":
                size = len(story.code.tables[instruction.number])
            case _:
                continue
        scene = Scene(story, cut, n)
        inside = scene.reader.below(
            scene.reader.word(instruction.operands[0]), scene.reader.number(size)
        )
        what = f"instruction {n}: {instruction.operation} outside of what is there"
        scene.exclude(scene.space.negated(inside), what)


def _check_end(story: Story) -> None:
    """The words of the next pass hold the driver's lanes as those of this one did."""
    last, size = len(story.cuts) - 1, len(story.code.instructions)
    if len(story.code.following) != len(story.lifted.words):
        raise WrongLift("the code leaves another number of words")
    if story.stores(story.cuts[last].end, size):
        raise WrongLift("a store after the last block")
    kept: set[int] = set()
    for word, value in zip(story.lifted.words, story.code.following, strict=True):
        scene = Scene(story, last, size)
        bits = [scene.sign(bit) for bit in scene.reader.word(value)]
        for place, bit in enumerate(bits):
            lane = word[place] if place < len(word) else None
            expected = scene.space.number(-1) if lane is None else scene.lane(lane)
            scene.require_equal(bit, expected, f"the next state's bit {place} of {word}")
        kept.update(word)
    for lane in {*range(story.known.shape[1])} - kept:
        scene = Scene(story, last, size)
        sign = int(story.known[story.driver, lane])
        expected = scene.space.number(sign)
        scene.require_equal(scene.lane(lane), expected, f"lane {lane} is not always {sign}")
