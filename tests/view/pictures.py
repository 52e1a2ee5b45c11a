"""The pictures of docs/view.md: `python -m tests.view.pictures`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from looped.view.page import page
from tests.view.browser import browser
from tests.view.runs import seen

DOCS = Path(__file__).parents[2] / "docs"

PICTURES = (
    ("view-rv32i.png", "rv32i/gcd.s", "#step=41&block=2", False),
    ("view-subleq.png", "subleq/multiply.sasm", "#step=42&block=3", True),
)
"""Name, program, place, and whether the theme is dark."""


def main() -> None:
    """Make all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        for name, program, link, dark in PICTURES:
            path = Path(folder) / "page.html"
            path.write_bytes(page(seen(program, 300).run, Path(program).name))
            with browser(dark) as chromium:
                chromium.open(path, link)
                chromium.driver.save_screenshot(str(DOCS / name))


if __name__ == "__main__":
    main()
