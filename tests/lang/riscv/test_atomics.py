"""Each instruction of the A extension, with all its orderings, against its encoding."""

from __future__ import annotations

import pytest

from looped.errors import Source
from looped.lang.riscv.instructions import ATOMIC_MNEMONICS
from looped.registry import assemble

GOLDEN = {
    "amoadd.w a0, a2, (a1)": 0x00C5A52F,
    "amoadd.w.aq a0, a2, (a1)": 0x04C5A52F,
    "amoadd.w.aqrl a0, a2, (a1)": 0x06C5A52F,
    "amoadd.w.rl a0, a2, (a1)": 0x02C5A52F,
    "amoand.w a0, a2, (a1)": 0x60C5A52F,
    "amoand.w.aq a0, a2, (a1)": 0x64C5A52F,
    "amoand.w.aqrl a0, a2, (a1)": 0x66C5A52F,
    "amoand.w.rl a0, a2, (a1)": 0x62C5A52F,
    "amomax.w a0, a2, (a1)": 0xA0C5A52F,
    "amomax.w.aq a0, a2, (a1)": 0xA4C5A52F,
    "amomax.w.aqrl a0, a2, (a1)": 0xA6C5A52F,
    "amomax.w.rl a0, a2, (a1)": 0xA2C5A52F,
    "amomaxu.w a0, a2, (a1)": 0xE0C5A52F,
    "amomaxu.w.aq a0, a2, (a1)": 0xE4C5A52F,
    "amomaxu.w.aqrl a0, a2, (a1)": 0xE6C5A52F,
    "amomaxu.w.rl a0, a2, (a1)": 0xE2C5A52F,
    "amomin.w a0, a2, (a1)": 0x80C5A52F,
    "amomin.w.aq a0, a2, (a1)": 0x84C5A52F,
    "amomin.w.aqrl a0, a2, (a1)": 0x86C5A52F,
    "amomin.w.rl a0, a2, (a1)": 0x82C5A52F,
    "amominu.w a0, a2, (a1)": 0xC0C5A52F,
    "amominu.w.aq a0, a2, (a1)": 0xC4C5A52F,
    "amominu.w.aqrl a0, a2, (a1)": 0xC6C5A52F,
    "amominu.w.rl a0, a2, (a1)": 0xC2C5A52F,
    "amoor.w a0, a2, (a1)": 0x40C5A52F,
    "amoor.w.aq a0, a2, (a1)": 0x44C5A52F,
    "amoor.w.aqrl a0, a2, (a1)": 0x46C5A52F,
    "amoor.w.rl a0, a2, (a1)": 0x42C5A52F,
    "amoswap.w a0, a2, (a1)": 0x08C5A52F,
    "amoswap.w.aq a0, a2, (a1)": 0x0CC5A52F,
    "amoswap.w.aqrl a0, a2, (a1)": 0x0EC5A52F,
    "amoswap.w.rl a0, a2, (a1)": 0x0AC5A52F,
    "amoxor.w a0, a2, (a1)": 0x20C5A52F,
    "amoxor.w.aq a0, a2, (a1)": 0x24C5A52F,
    "amoxor.w.aqrl a0, a2, (a1)": 0x26C5A52F,
    "amoxor.w.rl a0, a2, (a1)": 0x22C5A52F,
    "lr.w a0, (a1)": 0x1005A52F,
    "lr.w.aq a0, (a1)": 0x1405A52F,
    "lr.w.aqrl a0, (a1)": 0x1605A52F,
    "lr.w.rl a0, (a1)": 0x1205A52F,
    "sc.w a0, a2, (a1)": 0x18C5A52F,
    "sc.w.aq a0, a2, (a1)": 0x1CC5A52F,
    "sc.w.aqrl a0, a2, (a1)": 0x1EC5A52F,
    "sc.w.rl a0, a2, (a1)": 0x1AC5A52F,
}
"""What GNU as 2.40 makes of a line."""


@pytest.mark.parametrize("line", GOLDEN)
def test_golden_encodings(line: str) -> None:
    image = assemble(Source("t.s", line), machine="rv32ima")
    assert image.words[0] == GOLDEN[line]


def test_every_instruction_is_tested() -> None:
    assert {line.split()[0] for line in GOLDEN} == ATOMIC_MNEMONICS
