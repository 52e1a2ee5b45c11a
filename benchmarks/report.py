"""Measurements as a table in a page, as JSON, and as a picture."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import ENGINES, Row
from looped.files import write_atomically

__all__ = ["draw", "into_page", "table", "to_json"]

_COLOURS = dict(zip(ENGINES, ("#7f7f7f", "#d62728", "#1f77b4", "#2ca02c"), strict=True))


def table(rows: Sequence[Row]) -> str:
    """Instructions per second and the ratio to the reference; then times to the first result."""
    lines = [
        "| width | words | reference | dense | event | lifted | lifted / reference |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rates = " | ".join(_number(row.rate[name]) for name in ENGINES)
        ratio = _ratio(row.rate["lifted"], row.rate["reference"])
        lines.append(f"| {row.width} | {row.memory:,} | {rates} | {ratio} |")
    lines += [
        "",
        "| width | words | weights built | first pass: dense | event | lifted |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        firsts = " | ".join(_seconds(row.first[name]) for name in ENGINES[1:])
        lines.append(f"| {row.width} | {row.memory:,} | {_seconds(row.build)} | {firsts} |")
    return "\n".join(lines)


def peak_table(peaks: dict[int, dict[str, int | None]]) -> str:
    """Peak resident memory in MB by words of memory."""
    lines = ["| words | dense | event | lifted |", "|---|---|---|---|"]
    for memory, peak in peaks.items():
        cells = " | ".join(_megabytes(peak[name]) for name in ENGINES[1:])
        lines.append(f"| {memory:,} | {cells} |")
    return "\n".join(lines)


def to_json(rows: Sequence[Row], peaks: dict[int, dict[str, int | None]], machine: str) -> bytes:
    """All measurements as JSON."""
    data = {
        "machine": machine,
        "rows": [dataclasses.asdict(row) for row in rows],
        "peak_mb": peaks,
    }
    return json.dumps(data, indent=1).encode()


def into_page(page: Path, name: str, text: str) -> None:
    """Replace the text between the marks of that name in a page."""
    begin, end = f"<!-- {name} -->\n", "<!-- end -->"
    before, rest = page.read_text().split(begin, 1)
    after = rest.split(end, 1)[1]
    write_atomically(page, f"{before}{begin}{text}\n{end}{after}".encode())


def draw(rows: Sequence[Row], path: Path) -> None:
    """Nanoseconds per instruction against the size of memory, 16 bits, both on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    for name in ENGINES:
        points = [(row.memory, 1e9 / rate) for row in rows if (rate := row.rate[name])]
        axes.loglog(*zip(*points, strict=True), "o-", color=_COLOURS[name], label=name, base=2)
        memory, cost = points[-1]
        axes.annotate(f" {name}", (memory, cost), color=_COLOURS[name], va="center")
    axes.set_yscale("log", base=10)
    axes.set_xlabel("words of memory")
    axes.set_ylabel("nanoseconds an instruction")
    axes.set_title("SUBLEQ, 16 bits: cost of an instruction against memory size")
    axes.margins(x=0.12)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _number(rate: float | None) -> str:
    if rate is None:
        return "—"
    return f"{float(f'{rate:.3g}'):,.0f}" if rate >= 100 else f"{rate:.3g}"


def _ratio(first: float | None, second: float | None) -> str:
    return "—" if first is None or second is None else f"{first / second:.0f}"


def _megabytes(value: int | None) -> str:
    return "—" if value is None else f"{value:,} MB"


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f} s"
