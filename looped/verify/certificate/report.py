"""A certificate as tables for the terminal, and as JSON."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from looped.diagrams import Number
from looped.precision import PRECISIONS
from looped.verify.certificate.claims import Certificate, Claim, Verdict

__all__ = ["as_json", "report"]


def report(certificate: Certificate) -> Group:
    """What is proved and how, the ranges of all sums, the margins of all heads, the verdicts."""
    return Group(
        Text("what the weights compute, for all states", style="bold"),
        _claims(certificate),
        Text("\nheads: the winner's margin over every other column", style="bold"),
        _margins(certificate),
        Text("\nsums: what any order of summation needs", style="bold"),
        _sums(certificate),
        Text("\nverdicts", style="bold"),
        _verdicts(certificate),
    )


def _claims(certificate: Certificate) -> Table:
    table = Table("block", "part", "claim", "proved by", "cases", "", box=None)
    for claims in _alike(certificate.claims):
        first = claims[0]
        block = "all" if first.block is None else str(first.block + 1)
        parts = "\n".join(claim.part for claim in claims)
        cases = f"{sum(claim.cases for claim in claims):,}"
        faults = [claim.fault for claim in claims if claim.fault is not None]
        mark = "[red]no[/]" if faults else "[green]yes[/]"
        table.add_row(block, parts, first.statement, first.method, cases, mark)
        for fault in faults:
            table.add_row("", "", Text(fault, style="red"), "", "", "")
    return table


def _alike(claims: Sequence[Claim]) -> Iterator[tuple[Claim, ...]]:
    """Claims with the same statement about several parts of a block, together."""
    groups = itertools.groupby(claims, lambda c: (c.block, c.statement, c.method))
    yield from (tuple(group) for _, group in groups)


def _margins(certificate: Certificate) -> Table:
    table = Table("block", "head", "margin", "β", "margin · β", "scores up to", box=None)
    for head in certificate.margins:
        numbers: tuple[Number, ...] = (head.margin, head.beta, head.scaled_margin, head.scores)
        table.add_row(str(head.block + 1), head.head, *map(_number, numbers))
    return table


def _sums(certificate: Certificate) -> Table:
    table = Table("block", "sums", "from", "to", "grid", "partial sums", "bits", box=None)
    for e in certificate.sums:
        if e.grid:
            numbers = (e.low, e.high, e.grid, e.bound)
            table.add_row(str(e.block + 1), e.what, *map(_number, numbers), str(e.bits))
    return table


def _verdicts(certificate: Certificate) -> Table:
    table = Table("dtype", "mantissa", "softmax is one-hot for", "by", "certified", box=None)
    for name, verdict in certificate.verdicts.items():
        certified = certificate.certified(name)
        mark = "[green]yes[/]" if certified else "[red]no[/]"
        regime = verdict.regime or "nothing"
        table.add_row(name, f"{PRECISIONS[name].mantissa} bits", _columns(verdict), regime, mark)
        faults = verdict.faults[:2] if certificate.sound else ("the weights: see above",)
        for fault in () if certified else faults:
            table.add_row("", "", Text(fault, style="dim"), "", "")
    return table


def _columns(verdict: Verdict) -> str:
    if verdict.columns is None:
        return "any number of columns"
    return f"{verdict.columns:,} columns" if verdict.columns < 1 << 40 else "2^40 columns and more"


def _number(value: Number) -> str:
    return f"{value.numerator:,}" if value.denominator == 1 else f"{float(value):,}"


def as_json(certificate: Certificate) -> dict[str, Any]:
    """All of a certificate, ready for JSON; numbers are exact (dyadic) floats."""
    claims = [{**dataclasses.asdict(c), "holds": c.holds} for c in certificate.claims]
    heads = [{**dataclasses.asdict(head), "margin": head.margin} for head in certificate.margins]
    verdicts = {
        name: {
            "certified": certificate.certified(name),
            "columns": verdict.columns,
            "regime": verdict.regime,
            "fused": verdict.fused,
            "faults": list(verdict.faults),
        }
        for name, verdict in certificate.verdicts.items()
    }
    content = {
        "machine": certificate.machine,
        "dtype": certificate.dtype,
        "sound": certificate.sound,
        "claims": claims,
        "heads": heads,
        "sums": [dataclasses.asdict(e) for e in certificate.sums],
        "verdicts": verdicts,
        "seconds": round(certificate.seconds, 3),
    }
    result: dict[str, Any] = _plain(content)
    return result


def _plain(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _plain(item) for key, item in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(item) for item in content]
    return float(content) if isinstance(content, Fraction) else content
