"""The MLPs of a causal machine: the definitions of its trace as hidden units."""

from __future__ import annotations

from looped.decoder.forms import Lanes, Units
from looped.decoder.lanes import replaced
from looped.decoder.machine import machine
from looped.decoder.spec import Spec
from looped.passes.schedule import BitDefinition
from looped.passes.units import change, ramps

__all__ = ["mlps"]


def mlps(spec: Spec, lanes: Lanes) -> tuple[Units, ...]:
    """The hidden units of each layer."""
    placed = machine(spec)
    made = []
    for layer in range(placed.layers):
        units, phase = Units(), 2 * layer + 1
        for definition in placed.schedule.bits.get(phase, []):
            old = replaced(placed, definition.signal, phase)
            target = lanes.index(definition.lane)
            in_place = old is not None and lanes.index(old) == target
            _add(units, lanes, definition, target, in_place)
        made.append(units)
    return tuple(made)


def _add(
    units: Units, lanes: Lanes, definition: BitDefinition, target: int, in_place: bool
) -> None:
    """The units that change a lane from -1, or from what it replaces, to the bit of a signal."""
    (*_, old) = (None, *definition.signal.linear.terms)
    for condition, form in change(definition.signal, old if in_place else None):
        for gate, factor in ramps(condition):
            units.add(lanes.form(gate), lanes.form(form * factor), target)
