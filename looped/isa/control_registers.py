"""Control and status registers by name (RISC-V privileged specification, chapter 2)."""

from __future__ import annotations

__all__ = ["CONTROL_NAMES", "CONTROL_REGISTERS"]

_NAMED = {
    0x100: "sstatus", 0x104: "sie", 0x105: "stvec", 0x106: "scounteren", 0x10A: "senvcfg",
    0x140: "sscratch", 0x141: "sepc", 0x142: "scause", 0x143: "stval", 0x144: "sip", 0x180: "satp",
    0x300: "mstatus", 0x301: "misa", 0x302: "medeleg", 0x303: "mideleg", 0x304: "mie",
    0x305: "mtvec", 0x306: "mcounteren", 0x30A: "menvcfg", 0x310: "mstatush", 0x31A: "menvcfgh",
    0x320: "mcountinhibit", 0x340: "mscratch", 0x341: "mepc", 0x342: "mcause", 0x343: "mtval",
    0x344: "mip", 0x34A: "mtinst", 0x34B: "mtval2", 0x747: "mseccfg", 0x757: "mseccfgh",
    0x7A0: "tselect", 0x7A1: "tdata1", 0x7A2: "tdata2", 0x7A3: "tdata3", 0x7A8: "mcontext",
    0x7B0: "dcsr", 0x7B1: "dpc", 0x7B2: "dscratch0", 0x7B3: "dscratch1",
    0xB00: "mcycle", 0xB02: "minstret", 0xB80: "mcycleh", 0xB82: "minstreth",
    0xC00: "cycle", 0xC01: "time", 0xC02: "instret", 0xC80: "cycleh", 0xC81: "timeh",
    0xC82: "instreth", 0xF11: "mvendorid", 0xF12: "marchid", 0xF13: "mimpid", 0xF14: "mhartid",
    0xF15: "mconfigptr",
}  # fmt: skip

CONTROL_REGISTERS: dict[str, int] = {
    **{name: number for number, name in _NAMED.items()},
    **{f"pmpcfg{i}": 0x3A0 + i for i in range(16)},
    **{f"pmpaddr{i}": 0x3B0 + i for i in range(64)},
    **{f"mhpmevent{i}": 0x320 + i for i in range(3, 32)},
    **{f"mhpmcounter{i}": 0xB00 + i for i in range(3, 32)},
    **{f"mhpmcounter{i}h": 0xB80 + i for i in range(3, 32)},
    **{f"hpmcounter{i}": 0xC00 + i for i in range(3, 32)},
    **{f"hpmcounter{i}h": 0xC80 + i for i in range(3, 32)},
}
"""Name → number."""

CONTROL_NAMES: dict[int, str] = {number: name for name, number in CONTROL_REGISTERS.items()}
"""Number → name."""
