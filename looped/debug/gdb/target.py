"""Target: a RISC-V program on a timeline, as gdb sees it: 33 registers and memory in bytes."""

from __future__ import annotations

from looped.debug.accessed import accessing
from looped.debug.debugger import Debugger
from looped.debug.expressions import Expression
from looped.debug.gdb.rewind import Port, Rewind
from looped.debug.stops import Kind
from looped.debug.words import Number, Words
from looped.devices.host import ColumnPort
from looped.isa.rv32i import ABI_NAMES

__all__ = ["DESCRIPTION", "PC", "Target"]

PC = 32
"""gdb's number of the program counter; x0 to x31 are 0 to 31. GDB manual, G.5.11, RISC-V."""

_LOAD, _STORE = 0x03, 0x23
"""Opcodes. RISC-V unprivileged specification, 2.6."""

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
    """Registers and memory of a debugger's program; values are unsigned.

    `rewind` is the place that gdb sees; only the engine's place can be changed.
    """

    def __init__(self, debugger: Debugger, rewind: Rewind) -> None:
        self.debugger = debugger
        self._rewind = rewind
        self._timeline = debugger.timeline
        self._port = debugger.timeline.port
        self._image = debugger.timeline.image

    def register(self, number: int) -> int:
        """A register by gdb's number."""
        return self._rewind.pc if number == PC else self._rewind.port.register(number)

    def set_register(self, number: int, value: int) -> None:
        """Change a register; x0 stays zero. Raises ValueError once the program has halted."""
        self._rewind.land()
        self._check_runs()
        if number == PC:
            self._timeline.edit(lambda port: port.set_cpu("pc", value))
        elif number:
            self._timeline.edit(lambda port: port.set_register(number, value))

    def read(self, address: int, length: int) -> bytes:
        """Bytes of memory; fewer than asked for where memory ends."""
        return self._bytes(self._rewind.port, address, length)

    def watched(self, address: int, length: int) -> Expression:
        """Bytes of memory as an expression, for a watchpoint."""
        return lambda words: int.from_bytes(self._bytes(words.port, address, length))

    def accessed(self, address: int, length: int, kind: Kind) -> Expression:
        """1 before an instruction that accesses one of these bytes of memory, else 0.

        Loads and stores access the bytes that they name, other instructions whole words.
        """
        places = {self._index(at) for at in range(address, address + length)}
        columns = [index for index in places if index is not None]
        whole = accessing(self._image.machine, columns, kind)

        def value(words: Words) -> Number:
            touches = whole(words)
            extent = self._extent(words.port) if touches else None
            if extent is None:
                return touches
            first, size = extent
            return int(first < address + length and address < first + size)

        return value

    def _extent(self, port: ColumnPort) -> tuple[int, int] | None:
        """The first byte and the number of bytes of the next instruction's load or store."""
        word = port.memory(self._image.index(port.cpu("pc")))
        opcode, size, rd = word & 0x7F, 1 << (word >> 12 & 3), word >> 7 & 31
        if opcode not in (_LOAD, _STORE):
            return None
        offset = word >> 25 << 5 | (rd if opcode == _STORE else word >> 20 & 31)
        base = port.register(word >> 15 & 31)
        return (base + offset - (offset >> 11 << 12)) & 0xFFFFFFFF, size

    def _bytes(self, port: Port, address: int, length: int) -> bytes:
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
        self._rewind.land()
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
