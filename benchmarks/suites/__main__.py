"""`python -m benchmarks.suites KIND FOLDER`: run the ELF files of a suite that is in a folder.

- `tests`: the official riscv-tests and any programs that end with an exit status, by `tohost` or by
  a system call. 0 is passed.
- `signatures`: the architecture tests. The signature of NAME.elf must equal the file
  NAME.reference_output or NAME.signature, beside it or in the folder --references. Upper and lower
  case are one, and so are the words per line.
- `programs`: the same as `tests`; Embench programs end with 0 if their result is right.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.suites.outcome import Limits, Outcome, elf_files, run, table

_SUFFIXES = (".reference_output", ".signature")
_WORD = 8
"""Hexadecimal digits of a word."""


def main(arguments: list[str] | None = None) -> int:
    """Run a suite, and print its table; returns 1 if a program has failed or there is none."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suites",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=("tests", "signatures", "programs"))
    parser.add_argument("folder", type=Path, help="it is searched with all folders below")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="names, as `rv32ui-p-*`")
    parser.add_argument("--references", type=Path, metavar="FOLDER", help="of the signatures")
    parser.add_argument("--steps", type=int, default=1_000_000_000, help="limit for each program")
    parser.add_argument("--seconds", type=float, default=600.0, help="limit for each program")
    options = parser.parse_args(arguments)
    faults = 0
    outcomes = []
    for outcome in _outcomes(options):
        outcomes.append(outcome)
        faults += outcome.fault is not None
        print(next(table([outcome])), flush=True)
    *_, summary = table(outcomes)
    print(summary)
    return int(faults > 0 or not outcomes)


def _outcomes(options: argparse.Namespace) -> Iterator[Outcome]:
    limits = Limits(options.steps, options.seconds)
    wanted = options.kind == "signatures"
    for path in elf_files(options.folder, options.only):
        outcome = run(path, str(path.relative_to(options.folder)), limits, wanted)
        yield _compared(outcome, path, options.references) if wanted else outcome


def _compared(outcome: Outcome, path: Path, references: Path | None) -> Outcome:
    """An outcome that also fails if its signature is not that of the reference."""
    if outcome.signature is None:
        return outcome
    folder = references or path.parent
    names = [name + suffix for name in (path.stem, path.name) for suffix in _SUFFIXES]
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        return dataclasses.replace(outcome, fault="there is no reference for its signature")
    wanted, given = _words(found.read_text()), _words(outcome.signature)
    if wanted == given:
        return outcome
    pairs = enumerate(zip(given, wanted, strict=False))
    first = next((n for n, (one, other) in pairs if one != other), min(len(given), len(wanted)))
    return dataclasses.replace(outcome, fault=f"word {first} of its signature is wrong")


def _words(text: str) -> list[str]:
    """A signature as words of 32 bits; the first digits of a longer line are its last word."""
    words = []
    for line in text.lower().split():
        words += [line[at : at + _WORD] for at in range(0, len(line), _WORD)][::-1]
    return words


if __name__ == "__main__":
    sys.exit(main())
