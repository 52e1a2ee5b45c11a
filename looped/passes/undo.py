"""undo: a machine whose temporaries vanish because only the last block's changes are kept.

A DenseFormer adds up what its blocks have made, with weights. With `X₀ + X_B - X_{B-1}` after the
last block, a lane is what it was before the loop, plus what the last block adds. So no MLP has to
clear a temporary, except one that the last block itself has made. Whatever must stay has to change
in the last block: `late_registers` copies next values there that are made, and used, before.
"""

from __future__ import annotations

from dataclasses import replace

from looped.circuit.circuit import Circuit, Define
from looped.circuit.signals import Signal, Value
from looped.circuit.words import Word, bit

__all__ = ["late_registers"]


def late_registers(circuit: Circuit) -> Circuit:
    """The circuit with a word of its own for each next value that the loop itself uses."""
    used = {lane for _, lanes in circuit.uses() for lane in lanes}
    registers, copies = [], []
    for register in circuit.registers:
        following = register.following
        if following is not None and any(lane in used for lane in following):
            name = f"late {register.name}"
            late = Word.of(name, len(following))
            value = Value(tuple(Signal(bit(lane), ()) for lane in following))
            copies.append(Define(name, late, value, register.where))
            register = replace(register, following=late)
        registers.append(register)
    return replace(circuit, registers=registers, defines=[*circuit.defines, *copies])
