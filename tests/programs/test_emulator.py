"""C programs without a library, on the transformer and on qemu-riscv32: the same bytes, the same
status. One of them accesses memory in all widths at all offsets."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from looped.cli.main import cli

COMPILER, EMULATOR = "riscv64-unknown-elf-gcc", "qemu-riscv32"
FLAGS = (
    "-march=rv32im",
    "-mabi=ilp32",
    "-O1",
    "-ffreestanding",
    "-nostdlib",
    "-static",
    "-Wl,-Ttext=0x100000",
)
START = """
char stack[4096] __attribute__((aligned(16)));
static long call(long number, long a, long b, long c) {
  register long a0 asm("a0") = a, a1 asm("a1") = b, a2 asm("a2") = c, a7 asm("a7") = number;
  asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
}
static void put(unsigned value) {
  char text[9];
  for (int i = 0; i < 8; i++) text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
  text[8] = '\\n';
  call(64, 1, (long)text, 9);
}
int body(void);
void run(void) { call(93, body(), 0, 0); }
asm(".globl _start\\n_start: la sp, stack + 4096\\n j run");
"""
MISALIGNED = """
static unsigned char field[16];
#define LOAD(name, at) ({ unsigned v; asm volatile(name " %0, 0(%1)" : "=r"(v) : "r"(at)); v; })
#define STORE(name, at, v) asm volatile(name " %0, 0(%1)" :: "r"(v), "r"(at) : "memory")
int body(void) {
  for (int at = 0; at < 12; at++) {
    for (int i = 0; i < 16; i++) field[i] = 0x71 + 13 * i;
    put(LOAD("lb", field + at)); put(LOAD("lbu", field + at));
    put(LOAD("lh", field + at)); put(LOAD("lhu", field + at)); put(LOAD("lw", field + at));
    STORE("sh", field + at, 0xCAFE1234);
    unsigned sum = 0;
    for (int i = 0; i < 16; i++) sum = sum * 31 + field[i];
    put(sum);
    STORE("sw", field + at, 0x89ABCDEF);
    for (int i = 0; i < 16; i++) sum = sum * 31 + field[i];
    put(sum);
  }
  return 7;
}
"""
NUMBERS = """
static int cells[1000];
int body(void) {
  unsigned seed = 1;
  for (int i = 0; i < 1000; i++) cells[i] = seed = seed * 1664525 + 1013904223;
  for (int i = 1; i < 60; i++)
    for (int j = i; j && cells[j - 1] > cells[j]; j--) {
      int held = cells[j]; cells[j] = cells[j - 1]; cells[j - 1] = held;
    }
  for (int i = 0; i < 60; i++)
    put(cells[i] / (i - 30) + cells[i] % (i + 1) + (unsigned)cells[i] / 7u);
  return cells[0] & 63;
}
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which(COMPILER) and shutil.which(EMULATOR)), reason="no compiler, or no emulator"
)
@pytest.mark.parametrize("text", [MISALIGNED, NUMBERS], ids=["misaligned", "numbers"])
def test_the_emulator_writes_the_same(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.c").write_text(START + text)
    program = str(tmp_path / "t.elf")
    subprocess.run([COMPILER, *FLAGS, str(tmp_path / "t.c"), "-o", program], check=True)
    emulated = subprocess.run([EMULATOR, program], capture_output=True, check=False, timeout=60)
    result = CliRunner().invoke(cli, ["run", program])
    assert (result.stdout.encode(), result.exit_code) == (emulated.stdout, emulated.returncode)
    assert emulated.stdout.count(b"\n") >= 60
