"""Survey: every head and every group of a machine, its job, and what breaks without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from looped.artefact.plan import CompiledMachine, Plan
from looped.image import Image
from looped.study.ablation import KnockOut, knock_out_all
from looped.study.loops import LoopCase, program_loops, random_loops
from looped.study.needs import CircuitLoop
from looped.study.unfinished import single_loops

__all__ = ["Row", "Survey", "begin", "survey"]

_FEW = 6
"""So many kinds at most are left out in a list that says `all except …`."""


@dataclass(frozen=True, slots=True)
class Row:
    """A part without which some kinds of instructions break, and some programs.

    `programs` are the names of those that break, each with its first loop that does, from 1 on.
    `underived` counts the cases for which the circuit does not say whether they need the part.
    """

    block: int
    part: str
    job: str
    breaks: tuple[str, ...]
    programs: tuple[tuple[str, int], ...]
    first: str | None
    underived: int
    agrees: bool


@dataclass(frozen=True, eq=False, slots=True)
class Survey:
    """All knock-outs of a machine. `programs` are the cases of the loops of each program."""

    plan: Plan
    cases: tuple[LoopCase, ...]
    programs: Mapping[str, range]
    outcomes: tuple[KnockOut, ...]

    @property
    def kinds(self) -> list[str]:
        """The kinds of instructions among the cases, sorted."""
        return sorted({case.kind for case in self.cases})

    def disagreements(self) -> list[str]:
        """The parts without which other loops break than those that need them."""
        found = (outcome.part for outcome in self.outcomes if not outcome.agrees)
        return [f"{part} in block {part.block + 1}" for part in found]

    def rows(self) -> list[Row]:
        """A row for each part."""
        return [self._row(outcome) for outcome in self.outcomes]

    def markdown(self) -> str:
        """The rows as a table, and below it how many comparisons the circuit decides."""
        rows = map(self.line, self.outcomes)
        return "\n".join([*self.heading(), *rows, *self.verdict()]) + "\n"

    def heading(self) -> list[str]:
        """The lines above the rows."""
        plan, kinds = self.plan, self.kinds
        return [
            f"{plan.machine}, {plan.width} bits, {plan.memory} words of memory; "
            f"{len(self.cases)} loops of {len(kinds)} kinds: {', '.join(kinds)}.",
            "",
            "| block | without | its job | what breaks | programs, at loop | first wrong word |",
            "|---|---|---|---|---|---|",
        ]

    def line(self, outcome: KnockOut) -> str:
        """The row of a part as a line of the table."""
        row = self._row(outcome)
        marked = row.part + (" †" if row.underived else "")
        ends = ", ".join(f"{name} {loop}" for name, loop in row.programs) or "none"
        cells = (marked, row.job, _listed(row.breaks, self.kinds), ends, row.first or "")
        return f"| {row.block} | {' | '.join(cells)} |"

    def _row(self, outcome: KnockOut) -> Row:
        broken = {self.cases[i].kind for i in np.flatnonzero(outcome.breaks)}
        firsts = [(name, _first(outcome, loops)) for name, loops in self.programs.items()]
        return Row(
            block=outcome.part.block + 1,
            part=str(outcome.part),
            job=outcome.part.job,
            breaks=tuple(sorted(broken)),
            programs=tuple((name, loop) for name, loop in firsts if loop is not None),
            first=None if outcome.first is None else str(outcome.first),
            underived=int((~outcome.exact).sum()),
            agrees=outcome.agrees,
        )

    def verdict(self) -> list[str]:
        """The lines below the rows."""
        every = len(self.outcomes) * len(self.cases)
        underived = sum(int((~outcome.exact).sum()) for outcome in self.outcomes)
        broken = sum(int((outcome.breaks & ~outcome.exact).sum()) for outcome in self.outcomes)
        wrong = self.disagreements()
        lines = [
            "",
            f"{len(self.outcomes)} parts times {len(self.cases)} loops are {every:,} comparisons. "
            f"The circuit decides {every - underived:,} of them: "
            + (f"these parts differ: {', '.join(wrong)}." if wrong else _AS_IT_SAYS),
        ]
        if underived:
            lines += ["", _UNDERIVED.format(underived, broken)]
        return lines


_AS_IT_SAYS = "exactly those loops break that need the part."

_UNDERIVED = (
    "† In {:,} comparisons the missing part breaks the circuit's contract (a lane is neither -1 "
    "nor +1, or a head has the address of no column), and the circuit does not say what follows. "
    "{:,} of these loops break."
)


def begin(plan: Plan, programs: Mapping[str, Image], of_each: int = 4, loops: int = 20) -> Survey:
    """A survey without outcomes: `of_each` random loops of each kind, `loops` of each program.

    Of an instruction that takes several loops there are the first two, the last, and some between.
    The programs get no input. Raises CompileError for a program that does not fit the machine, and
    for a machine without random programs, with several workers, or with its program in the weights.
    """
    circuit = CircuitLoop(plan)
    cases = single_loops(circuit, random_loops(plan, of_each), sample=True)
    ranges = {}
    for name, image in programs.items():
        first = len(cases)
        found = list(program_loops(plan, image, b"", loops))
        cases += single_loops(circuit, found, sample=False)[:loops]
        ranges[name] = range(first, len(cases))
    return Survey(plan, tuple(cases), ranges, ())


def survey(
    machine: CompiledMachine,
    programs: Mapping[str, Image],
    of_each: int = 4,
    loops: int = 20,
) -> Survey:
    """Knock out every part; the loops, and what is raised, are those of `begin`."""
    begun = begin(machine.plan, programs, of_each, loops)
    return replace(begun, outcomes=tuple(knock_out_all(machine, begun.cases)))


def _first(outcome: KnockOut, cases: range) -> int | None:
    broken = np.flatnonzero(outcome.breaks[cases.start : cases.stop])
    return int(broken[0]) + 1 if len(broken) else None


def _listed(broken: Sequence[str], kinds: Sequence[str]) -> str:
    """The kinds that break, or those that do not if they are few."""
    spared = [kind for kind in kinds if kind not in broken]
    if not broken:
        return "none of these loops"
    if not spared:
        return "all"
    if len(spared) <= min(_FEW, len(broken) - 1):
        return f"all except {', '.join(spared)}"
    return ", ".join(broken)
