"""Which plans are valid: the checks of a plan from a file before anything relies on it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

import msgspec

from looped.artefact.architecture import GRAPH
from looped.artefact.plan import Occupant, Plan
from looped.precision import PRECISIONS

__all__ = ["check_plan"]

_LARGEST = 1 << 20
"""An upper bound on all sizes of a plan except those of memory and its address space."""

_MOST_MEMORY = 1 << 24
"""An upper bound on the words of memory: no machine has more than 2^18."""

_MOST_BLOCKS = 1000
_WIDEST = 64
_POSITION = re.compile(r"position(-?\d{1,9})?")
_ALWAYS = ("one", "cpu", "device", "value", "pc")


def check_plan(plan: Plan) -> None:
    """Raise ValueError for an invalid plan."""
    _check_sizes(plan)
    _check_parameters(plan)
    _check_blocks(plan)
    _check_words(plan)
    _check_lanes(plan)
    _check_registers(plan)
    _check_workers(plan)
    _check_occupants(plan)
    _check_ports(plan)
    _check_graphs(plan)
    if plan.dtype not in PRECISIONS:
        raise ValueError(f"there is no dtype `{plan.dtype[:40]}`")


def _check_sizes(plan: Plan) -> None:
    sizes = (plan.d_model, plan.n_heads, plan.d_head, plan.d_ff, plan.n_registers + 1)
    possible = 1 <= plan.memory <= _MOST_MEMORY and 1 <= plan.width <= _WIDEST
    if not possible or not all(1 <= size <= _LARGEST for size in sizes):
        raise ValueError("no machine has its sizes")
    if not all(address in range(plan.memory) for address in plan.code):
        raise ValueError("its instructions are outside of its memory")
    if not 0 <= plan.entry < 1 << plan.width:
        raise ValueError("it begins at no address")


def _check_parameters(plan: Plan) -> None:
    """Raise ValueError unless parameters have names, and are numbers that a machine may have."""
    for name, value in plan.parameters.items():
        if not name.isidentifier() or not 0 <= value < 1 << plan.width:
            raise ValueError(f"`{name[:40]}` is no parameter of a machine")


def _check_blocks(plan: Plan) -> None:
    """Raise ValueError unless all blocks have their heads and units, and margins are positive."""
    heads = [len(block.heads) for block in plan.blocks]
    if not 1 <= len(heads) <= _MOST_BLOCKS or max(heads) > plan.n_heads:
        raise ValueError("its blocks have other heads than it says")
    if not all(head.margin > 0 and head.beta > 0 for b in plan.blocks for head in b.heads):
        raise ValueError("a head has no margin")
    units = itertools.chain(*(group.units for block in plan.blocks for group in block.groups))
    if not all(unit in range(plan.d_ff) for unit in units):
        raise ValueError("its groups have hidden units that do not exist")


def _check_words(plan: Plan) -> None:
    """Raise ValueError unless the plan has all words that a machine needs, each with a format."""
    if not all(_POSITION.fullmatch(n) for n in plan.words if n.startswith("position")):
        raise ValueError("its columns have no positions")
    needed = [*_ALWAYS, *(["register"] if plan.n_registers else [])]
    if not all(plan.words.get(name) for name in needed):
        raise ValueError("it lacks words that every machine has")
    if len(plan.words["value"]) != plan.width:
        raise ValueError("its words have another width")
    if plan.formats.keys() != plan.words.keys():
        raise ValueError("its words and their formats have different names")
    for name, lanes in plan.words.items():
        if not plan.formats[name].fits(len(lanes)):
            raise ValueError(f"the format of `{name[:40]}` does not fit {len(lanes)} bits")


def _check_lanes(plan: Plan) -> None:
    """Raise ValueError unless every lane that the plan names exists."""
    flags = [lane for lane in (plan.halted, plan.busy) if lane is not None]
    lanes: Iterable[int] = itertools.chain(*plan.words.values(), flags, plan.scratch)
    if not all(lane in range(plan.d_model) for lane in lanes):
        raise ValueError("it names lanes that do not exist")


def _check_registers(plan: Plan) -> None:
    """Raise ValueError unless the registers are words with names that the compiler does not
    reserve."""
    own = {"one", "cpu", "device", "register", "value"}
    if len(set(plan.registers)) != len(plan.registers) or "pc" not in plan.registers:
        raise ValueError("its registers lack `pc`, or have one name twice")
    for name in plan.registers:
        if name not in plan.words or name in own or name.startswith("position"):
            raise ValueError(f"`{name[:40]}` is not a register")


def _check_workers(plan: Plan) -> None:
    """Raise ValueError unless workers have their registers, and are a number that fits in there."""
    workers = plan.workers
    if workers is None:
        return
    if plan.has_input:
        raise ValueError("it has workers and an input column")
    if not {workers.number, workers.mask} <= set(plan.registers):
        raise ValueError("its workers have no registers")
    number, mask = (plan.words[name] for name in (workers.number, workers.mask))
    if number == mask or len(number) != len(mask):
        raise ValueError("its workers have no mask for their numbers")
    if workers.count & (workers.count - 1) or not 1 <= workers.count <= plan.most_workers:
        raise ValueError(f"it cannot have {workers.count} workers")
    if workers.count > _LARGEST:
        raise ValueError("no machine has its sizes")


def _check_ports(plan: Plan) -> None:
    """Raise ValueError unless the ports are registers that a host can serve."""
    ports = plan.ports
    if not all(plan.words.get(name) for name in ports.words()):
        raise ValueError("its ports name words that do not exist")
    if not all(name in plan.registers for name in ports.words()):
        raise ValueError("its ports name words that are not registers")
    if not all(len(plan.words[name]) == 1 for name in ports.flags()):
        raise ValueError("its ports have flags of more than one bit")
    if ports.output is not None and len(plan.words[ports.output.content]) > 8:
        raise ValueError("its output port has more than a byte")
    if ports.output is not None and ports.print is not None:
        raise ValueError("it both writes bytes and prints numbers")
    if ports.print is not None and not plan.formats[ports.print.content].is_number:
        raise ValueError("its port prints a word that holds no number")
    if ports.input is not None and not plan.has_input:
        raise ValueError("it has an input port without an input column")


def _check_graphs(plan: Plan) -> None:
    """Raise ValueError unless nodes are program counters, each with a column of its own, and the
    architecture uses them."""
    if not isinstance(plan.flow, msgspec.UnsetType) and plan.architecture.positions != GRAPH:
        raise ValueError("it has a control-flow graph, and no positions in one")
    if not all(0 <= pc < 1 << len(plan.words["pc"]) for pc in plan.nodes):
        raise ValueError("its control-flow graph has nodes that are no program counters")
    if len(plan.nodes) > plan.memory:
        raise ValueError("its control-flow graph has more nodes than its memory words")
    held = {each.word for lane in plan.occupants for each in lane}
    if not held >= plan.graphs.keys():
        raise ValueError("no lane holds the successors in its control-flow graph")


def _check_occupants(plan: Plan) -> None:
    """Raise ValueError unless each lane holds one bit at a time, and its words between loops."""
    if len(plan.occupants) > plan.d_model:
        raise ValueError("its occupants are in lanes that do not exist")
    last = 2 * len(plan.blocks)
    for held in plan.occupants:
        if not all(_is_sound(each, last) for each in held):
            raise ValueError("an occupant has no word, no bit or no phases")
        if any(one.end > other.start for one, other in itertools.pairwise(held)):
            raise ValueError("a lane has two occupants at a time")
    for name, lanes in plan.words.items():
        for bit, lane in enumerate(lanes):
            if plan.occupant(lane, last - 1) != f"{name}.{bit}":
                raise ValueError(f"the lanes of `{name[:40]}` have other occupants")


def _is_sound(occupant: Occupant, last: int) -> bool:
    ordered = -1 <= occupant.start < occupant.end <= last
    return bool(occupant.word) and 0 <= occupant.bit < _WIDEST and ordered
