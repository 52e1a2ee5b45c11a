"""`looped study paper`: tables on stdout or in a page, a picture if it can be drawn."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from looped.cli.main import cli
from looped.study.paper import cases, plot, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def looped(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["study", "paper", *map(str, arguments)])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row of each table, and panels without a measurement."""

    def panel(axes: Axes, limit: int) -> None:
        axes.plot([1, 2], [limit, limit], label="limit")

    rows = list(islice(cases.cases(), 1))
    monkeypatch.setattr(cases, "cases", lambda: iter(rows))
    monkeypatch.setattr(table, "MACHINES", table.MACHINES[2:])
    monkeypatch.setattr(table, "TEMPERATURES", (8.0,))
    monkeypatch.setattr(plot, "_PANELS", (panel,) * 4)


def test_it_prints_three_tables(small: Any) -> None:
    result = looped("--steps", 2)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("| construction ")
    assert lines[2].startswith("| read, n = 32, λ = 4 | 1      | 1     | 14    | 2.9e-03")
    assert "| float32 | 23 | 0 " in result.stdout
    assert lines[-1].split("|")[1:4] == [" 7 layers ", " float64 ", " 2+    "]


def test_it_fills_a_page(small: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- errors -->\n<!-- end -->\n<!-- adder -->\nold\n<!-- end -->\n")
    result = looped("--page", page)
    assert result.exit_code == 4 and "has no section `<!-- steps -->`" in result.stderr
    assert "old" in page.read_text()

    page.write_text(page.read_text() + "between\n<!-- steps -->\n<!-- end -->\n")
    result = looped("--page", page, "--steps", 2)
    assert (result.exit_code, result.stdout) == (0, "")
    text = page.read_text()
    assert "old" not in text and text.count("<!-- end -->") == 3
    assert text.startswith("<!-- errors -->\n| construction")
    assert "|\n<!-- end -->\nbetween\n<!-- steps -->\n| machine" in text


def test_it_draws(small: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "paper.png"
    result = looped("--steps", 1, "--plot", path)
    assert result.exit_code == 0, result.output
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("paper.txt", "error: cannot draw a `.txt` file\nhint: one of .png, .svg, .pdf\n"),
        ("paper", "error: cannot draw a file whose name has no ending\n"),
    ],
)
def test_a_file_that_is_no_picture_is_refused_before_anything_is_measured(
    name: str, message: str, tmp_path: Path
) -> None:
    result = looped("--plot", tmp_path / name)
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith(message)


def test_without_matplotlib_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = looped("--plot", tmp_path / "paper.png")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == ("error: pictures need matplotlib\nhint: pip install 'looped[plot]'\n")


def test_steps_are_at_least_one() -> None:
    assert looped("--steps", 0).exit_code == 2


@pytest.mark.slow
def test_every_panel_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot.draw(tmp_path / "paper.png", 10)
    assert (tmp_path / "paper.png").stat().st_size > 50_000
