"""The control registers of machine mode, for the reference.

| register                         | content                                                     |
|----------------------------------|-------------------------------------------------------------|
| mstatus                          | MIE and MPIE can be written; MPP is always machine mode     |
| mie, mip                         | MTIE can be written; MTIP says that the timer has come      |
| mtvec                            | a multiple of 4, or of 128 with mode 1 (vectored)           |
| mscratch, mepc, mcause, mtval    | any word; mepc a multiple of 4                              |
| mcycle, minstret, cycle, instret | one counter of instructions, which mcycle and minstret set  |
| time                             | the timer; its words in memory set it                       |
| misa                             | RV32 with I, M and A                                        |
| mstatush, mcountinhibit, the events and their counters, mhartid and other identities | 0       |

Writes to registers that cannot be written are ignored, or illegal from number 0xc00 on. Other
registers do not exist. (Privileged specification, 2.2 and 3.1.)
"""

from __future__ import annotations

from looped.trace import Access

__all__ = ["FIRST", "Control"]

FIRST = 32
"""The first word of the register file that is a control register."""

_WORDS = {0x340: FIRST, 0x341: FIRST + 1, 0x342: FIRST + 2, 0x343: FIRST + 3, 0x305: FIRST + 5}
_MSTATUS, _MISA, _MIE, _MIP, _MTVEC, _MEPC = 0x300, 0x301, 0x304, 0x344, 0x305, 0x341
_RV32IMA = 1 << 30 | 1 << 12 | 1 << 8 | 1
_COUNTERS = {0xB00: 0, 0xB02: 0, 0xC00: 0, 0xC02: 0, 0xB80: 1, 0xB82: 1, 0xC80: 1, 0xC82: 1}
"""The registers that show the counter of instructions → whether they show its upper half."""

_EXISTING = {
    *_WORDS, *_COUNTERS, _MSTATUS, _MISA, _MIE, _MIP, 0x310, 0x320, 0xC01, 0xC81,
    *range(0xF11, 0xF16), *range(0x323, 0x340),
    *(start + n for start in (0xB00, 0xB80, 0xC00, 0xC80) for n in range(3, 32)),
}  # fmt: skip
_MASK, _LONG = 0xFFFFFFFF, 1 << 64


class Control:
    """The control registers of a hart; those that are words of its register file lie in `file`."""

    def __init__(self, file: list[int]) -> None:
        self.file = file
        self.time = 0
        self.timecmp = 0
        self.count = 0
        self._before = (0, 0)
        self.enabled = False
        self.earlier = False
        self.timer = False
        self.pending = False

    def look(self) -> None:
        """Compare the timer."""
        self.pending = self.time >= self.timecmp

    def tick(self) -> None:
        """An instruction begins: compare the timer, then count."""
        self.look()
        self._before = self.time, self.count
        self.time, self.count = (self.time + 1) % _LONG, (self.count + 1) % _LONG

    @property
    def now(self) -> int:
        """The time as the instruction began."""
        return self._before[0]

    def set_time(self, value: int, upper: bool) -> None:
        """Set half of the timer, which then does not count the instruction that sets it."""
        self.time = _with(self._before[0], value, upper)

    def set_timecmp(self, value: int, upper: bool) -> None:
        """Set half of the time at which the timer interrupts."""
        self.timecmp = _with(self.timecmp, value, upper)

    def exists(self, number: int) -> bool:
        """Whether there is a register of that number."""
        return number in _EXISTING

    def read(self, number: int) -> int:
        """A register; counters show how many instructions came before this one."""
        time, count = self._before
        if number in _WORDS:
            return self.file[_WORDS[number]]
        if number in _COUNTERS:
            return count >> 32 * _COUNTERS[number] & _MASK
        return {
            _MSTATUS: 3 << 11 | self.earlier << 7 | self.enabled << 3,
            _MISA: _RV32IMA,
            _MIE: self.timer << 7,
            _MIP: self.pending << 7,
            0xC01: time & _MASK,
            0xC81: time >> 32,
        }.get(number, 0)

    def write(self, number: int, value: int) -> list[Access]:
        """Write to a register; returns the change of the register file, if there is one."""
        if number in _WORDS:
            if number == _MTVEC:
                value &= ~0x7E if value & 1 else ~2
            if number == _MEPC:
                value &= ~3
            self.file[_WORDS[number]] = value & _MASK
            return [Access(_WORDS[number], value & _MASK)]
        if number in _COUNTERS:
            self.count = _with(self._before[1], value, bool(_COUNTERS[number]))
        elif number == _MSTATUS:
            self.enabled, self.earlier = bool(value >> 3 & 1), bool(value >> 7 & 1)
        elif number == _MIE:
            self.timer = bool(value >> 7 & 1)
        return []


def _with(whole: int, value: int, upper: bool) -> int:
    """A number of 64 bits with another half."""
    value &= _MASK
    return value << 32 | whole & _MASK if upper else whole >> 32 << 32 | value
