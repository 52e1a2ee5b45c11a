"""Loads and stores that the weights do not complete, executed by the host.

The weights read and write one word of memory in an instruction. An access at an address that is not
a multiple of its size may need two; RISC-V leaves such accesses to the environment (unprivileged
specification, 2.6). In a memory of two regions the weights also leave an access to the host whose
base register is in the other region than its address.
"""

from __future__ import annotations

from looped.devices.host import Port
from looped.devices.memory import load, store
from looped.isa.rv32i import accessed

__all__ = ["MISALIGNED", "execute_access"]

MISALIGNED = (4, 6)
"""The causes of misaligned loads and stores."""


def execute_access(port: Port) -> bool:
    """Execute the load or store at the program counter; False if its bytes are not in memory."""
    access = accessed(port.memory(port.regions.index(port.cpu("pc"))), port.register)
    if access is None:
        return False
    if access.is_store:
        value = port.register(access.register)
        return store(port, access.address, value.to_bytes(4, "little")[: access.size])
    content = load(port, access.address, access.size)
    if content is None:
        return False
    loaded = int.from_bytes(content, "little", signed=access.is_signed) & 0xFFFFFFFF
    if access.register:
        port.set_register(access.register, loaded)
    return True
