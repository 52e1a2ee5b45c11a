"""How a host makes a machine continue after a trap."""

from __future__ import annotations

from looped.devices.host import Port

__all__ = ["resume"]

_FETCH_FAULT = 1
_MASK = 0xFFFFFFFF


def resume(port: Port, pc: int) -> None:
    """Clear the trap and continue at `pc`, a multiple of 4.

    If `pc` is outside memory, the machine traps there, as it does after a jump to such an address.
    """
    pc &= _MASK
    outside = port.regions.index(pc) >= port.size
    port.set_cpu("pc", pc)
    port.set_cpu("cause", _FETCH_FAULT if outside else 0)
    port.set_cpu("trap", int(outside))
