"""Target: a RISC-V program on a timeline, as gdb sees it: 33 registers and memory in bytes."""

from __future__ import annotations

from looped.debug.debugger import Debugger
from looped.debug.expressions import Expression
from looped.devices.host import ColumnPort
from looped.isa.rv32i import ABI_NAMES

__all__ = ["DESCRIPTION", "PC", "Target"]

PC = 32
"""gdb's number of the program counter; x0 to x31 are 0 to 31. GDB manual, G.5.11, RISC-V."""

_REGISTERS = "\n".join(
    [
        *(
            f'    <reg name="{name}" bitsize="32" type="{_type}" regnum="{number}"/>'
            for number, name in enumerate(ABI_NAMES)
            for _type in ["code_ptr" if name == "ra" else "data_ptr" if name == "sp" else "int"]
        ),
        f'    <reg name="pc" bitsize="32" type="code_ptr" regnum="{PC}"/>',
    ]
)

DESCRIPTION = f"""<?xml version="1.0"?>
<!DOCTYPE target SYSTEM "gdb-target.dtd">
<target version="1.0">
  <architecture>riscv:rv32</architecture>
  <feature name="org.gnu.gdb.riscv.cpu">
{_REGISTERS}
  </feature>
</target>
"""


class Target:
    """Registers and memory of a debugger's program; values are unsigned."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self._timeline = debugger.timeline
        self._port = debugger.timeline.port
        self._image = debugger.timeline.image

    def register(self, number: int) -> int:
        """A register by gdb's number."""
        return self._timeline.pc if number == PC else self._port.register(number)

    def set_register(self, number: int, value: int) -> None:
        """Change a register; x0 stays zero. Raises ValueError once the program has halted."""
        self._check_runs()
        if number == PC:
            self._timeline.edit(lambda port: port.set_cpu("pc", value))
        elif number:
            self._timeline.edit(lambda port: port.set_register(number, value))

    def read(self, address: int, length: int) -> bytes:
        """Bytes of memory; fewer than asked for where memory ends."""
        return self._bytes(self._port, address, length)

    def watched(self, address: int, length: int) -> Expression:
        """Bytes of memory as an expression, for a watchpoint."""
        return lambda words: int.from_bytes(self._bytes(words.port, address, length))

    def _bytes(self, port: ColumnPort, address: int, length: int) -> bytes:
        content, word, last = bytearray(), 0, None
        for at in range(address, address + length):
            index = self._index(at)
            if index is None:
                break
            if index != last:
                word, last = port.memory(index), index
            content.append(word >> 8 * (at % 4) & 0xFF)
        return bytes(content)

    def write(self, address: int, content: bytes) -> bool:
        """Change bytes of memory; False, and no change, if not all of them are in memory.

        Raises ValueError once the program has halted.
        """
        self._check_runs()
        places = [self._index(address + n) for n in range(len(content))]
        words: dict[int, int] = {}
        for n, (index, byte) in enumerate(zip(places, content, strict=True)):
            if index is None:
                return False
            shift = 8 * ((address + n) % 4)
            old = words.get(index, self._port.memory(index))
            words[index] = old & ~(0xFF << shift) | byte << shift

        def change(port: object) -> None:
            for index, word in words.items():
                self._port.set_memory(index, word)

        if words:
            self._timeline.edit(change)
        return True

    def _check_runs(self) -> None:
        if self._timeline.halted:
            raise ValueError("the program has halted")

    def _index(self, address: int) -> int | None:
        index = self._image.index(address % (1 << 32))
        return index if index < self._port.size else None
