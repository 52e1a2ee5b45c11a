"""`python -m benchmarks`: all measurements, into results/ and docs/performance.md."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

import torch

from benchmarks.measure import Row, dense_is_quick, measure, peaks
from benchmarks.report import draw, into_page, peak_table, table, to_json
from looped.files import write_atomically

_ROOT = Path(__file__).parents[1]
_PAGE = _ROOT / "docs" / "performance.md"


def main() -> None:
    """Measure, print, and write results/engines.json; with --write also docs/performance.*."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--write", action="store_true", help="update docs/performance.md and .png")
    parser.add_argument("--seconds", type=float, default=0.5, help="time per engine and round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per engine; the best counts")
    parser.add_argument("--largest", type=int, default=15, help="up to 2^N words")
    options = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["LOOPED_CACHE"] = ""  # the tables show the first run
    rows: list[Row] = []
    for width in (8, 16, 32):
        dense = True
        for bits in range(6, min(width, options.largest) + 1):
            row = measure("subleq", width, 1 << bits, options.seconds, options.rounds, dense)
            dense = dense_is_quick(row)
            rows.append(row)
            print(f"{width} bits, {1 << bits:,} words: {row.rate}", file=sys.stderr, flush=True)
    riscv = []
    for bits in range(10, options.largest + 1):
        row = measure("rv32i", 32, 1 << bits, options.seconds, options.rounds, bits < 12)
        riscv.append(row)
        print(f"rv32i, {1 << bits:,} words: {row.rate}", file=sys.stderr, flush=True)
    sizes = [bits for bits in (10, 12, 15) if bits <= options.largest]
    peak = {1 << bits: peaks(16, 1 << bits, dense=bits < 13) for bits in sizes}
    print(table(rows), table(riscv), peak_table(peak), sep="\n\n")
    results = _ROOT / "results"
    results.mkdir(exist_ok=True)
    write_atomically(results / "engines.json", to_json(rows + riscv, peak, platform.platform()))
    if options.write:
        into_page(_PAGE, "rates", table(rows))
        into_page(_PAGE, "riscv", table(riscv))
        into_page(_PAGE, "peaks", peak_table(peak))
        draw([row for row in rows if row.width == 16], _PAGE.with_suffix(".png"))


main()
