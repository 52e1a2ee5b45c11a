"""Links of a page to files outside of docs/ become their paths: the site has only the pages."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["on_page_markdown"]

_OUTSIDE = re.compile(r"(?<!!)\[([^\]]+)\]\(\.\./([^)#]+)(?:#[^)]*)?\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page without these links; mkdocs calls it for each page."""
    return _OUTSIDE.sub(r"\1 (<code>\2</code>)", markdown)
