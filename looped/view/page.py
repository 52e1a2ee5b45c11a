"""Page: one HTML file with everything in it: the run, the program of the page, its style."""

from __future__ import annotations

import base64
import html
import json
import re
from importlib.resources import files

from looped.view.collect import Run
from looped.view.pack import deflated
from looped.view.story import story

__all__ = ["page"]

_MODULES = (
    *("dom", "numbers", "run", "place", "lanes", "attention", "units", "program", "words"),
    *("timeline", "keys", "main"),
)
"""The modules of the page; each imports only from those before it."""

_IMPORTS = re.compile(r"^import [^;]*;\n|^export (?=async |class |const |function )", re.MULTILINE)


def page(run: Run, name: str) -> bytes:
    """The page of a run of the program `name`, UTF-8."""
    told = base64.b64encode(deflated(story(run, name))).decode()
    chunks = json.dumps([base64.b64encode(chunk).decode() for chunk in run.chunks])
    parts = {
        "title": html.escape(f"{name} on {run.plan.machine}"),
        "style": _static("page.css"),
        "program": _program(),
        "story": told,
        "chunks": chunks,
    }
    text = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _static("page.html"))
    return text.encode()


def _program() -> str:
    """All modules as one: without imports, because a page without a server cannot import."""
    return "\n".join(_IMPORTS.sub("", _static(f"{module}.js")) for module in _MODULES)


def _static(name: str) -> str:
    return (files("looped.view") / "static" / name).read_text("utf-8")
