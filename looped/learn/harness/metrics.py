"""Metrics of a run as a CSV file: one row per measurement, the step first."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from looped.errors import FileError
from looped.files import read_bytes, write_atomically

__all__ = ["Metrics", "read_metrics"]

_LARGEST = 64 << 20
"""Bytes: a million rows."""


class Metrics:
    """The rows of a run; with a path, the file has them after every `add`."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Append a row. Raises FileError if the file cannot be written."""
        self.rows.append({"step": step, **values})
        self._write()

    def keep(self, rows: list[dict[str, float]], steps: int) -> None:
        """Begin with the rows of an earlier part of the run, up to a step."""
        self.rows = [row for row in rows if row["step"] <= steps]
        self._write()

    def _write(self) -> None:
        if self.path is None:
            return
        names = dict.fromkeys(name for row in self.rows for name in row)
        text = io.StringIO()
        table = csv.DictWriter(text, list(names), lineterminator="\n")
        table.writeheader()
        for row in self.rows:
            table.writerow({name: f"{value:.6g}" for name, value in row.items()})
        write_atomically(self.path, text.getvalue().encode())


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The rows of a file of metrics. Raises FileError for a missing or damaged file."""
    lines = csv.DictReader(io.StringIO(read_bytes(path, _LARGEST).decode(errors="replace")))
    try:
        return [{k: float(v) for k, v in row.items() if v != ""} for row in lines]
    except (TypeError, ValueError):
        raise FileError(f"{path} is not a file of metrics, or is damaged") from None
