"""docs/add-a-machine.md: its text, its files, and its machine, which is registered for a while."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from looped import registry

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-machine.md").read_text()


def blocks(language: str) -> list[str]:
    """The texts in one language, in the order of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def machine_text() -> str:
    """All of the machine: every Python text of the page but the last, which uses it."""
    return "\n\n".join(blocks("python")[:-1])


@contextmanager
def registered(folder: Path) -> Iterator[Path]:
    """Put the page's machine and its program into a folder, and register the machine meanwhile."""
    path = folder / "addleq.py"
    path.write_text(machine_text())
    (folder / "multiply.addleq").write_text(blocks("asm")[0])
    before = registry.names()
    spec = spec_from_file_location("addleq", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules["addleq"] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        yield folder
    finally:
        del sys.modules["addleq"]
        for name in set(registry.names()) - set(before):
            registry.unregister(name)
