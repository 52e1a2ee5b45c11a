"""`save` writes pictures that depend on nothing but the figure."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from looped.inspect.figure import save


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_figure_gives_the_same_bytes(ending: str, tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    files = [tmp_path / f"{name}.{ending}" for name in "ab"]
    for file in files:
        figure = Figure()
        axes = figure.subplots()
        axes.plot([1, 2, 3], [2, 3, 1], marker="o")
        axes.grid()
        save(figure, file)
    assert files[0].read_bytes() == files[1].read_bytes()
