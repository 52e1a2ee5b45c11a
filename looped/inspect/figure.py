"""Figures: which files can be drawn, the look that pictures share, and how they are saved."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from looped.errors import FileError
from looped.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FAINT", "INK", "MARKERS", "PALETTE", "QUIET", "look", "require_plot", "save"]

_FORMATS = (".png", ".svg", ".pdf")

INK, QUIET, FAINT = "#222222", "#6b6b6b", "#d9d9d9"
"""The colours of text, of what explains it, and of lines that only guide the eye."""

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c6d31")
"""Colours that people tell apart however they see colour: six are those of Okabe and Ito 2008."""

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "h")
"""A shape for each colour of the palette, so that none depends on its colour alone."""

_LOOK: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


def require_plot(path: Path) -> None:
    """Raise FileError if `path` cannot be drawn: its ending, or no matplotlib."""
    if path.suffix not in _FORMATS:
        kind = f"a `{path.suffix}` file" if path.suffix else "a file whose name has no ending"
        raise FileError(f"cannot draw {kind}", hint=f"one of {', '.join(_FORMATS)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise FileError("pictures need matplotlib", hint="pip install 'looped[plot]'") from None


@contextmanager
def look() -> Iterator[None]:
    """The look of pictures, for all that is drawn and saved within."""
    import matplotlib

    with matplotlib.rc_context(_LOOK):
        yield


def save(figure: Figure, path: Path, dpi: int = 110) -> None:
    """Write a figure into a file; the same figure gives the same bytes. Raises FileError."""
    require_plot(path)
    import matplotlib

    content = io.BytesIO()
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix)
    with matplotlib.rc_context({"svg.hashsalt": "looped"}):  # else identifiers in it are random
        figure.savefig(content, format=path.suffix[1:], dpi=dpi, metadata=undated)
    write_atomically(path, content.getvalue())
