"""Case: one thing that is wrong, and all that `looped` may do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Case", "Content"]

Content = str | bytes | Callable[[Path], None]
"""What is in a file, or what puts something at its path."""


@dataclass(frozen=True)
class Case:
    """A command line in a folder of its own, which has `files` and nothing else.

    `what` is wrong; `line` is the command line after `looped`, as a shell splits it. The command
    ends with the exit code `code`; `message` is all of the first line of its message on stderr, and
    `stdout` all of its output. Afterwards the folder is as it was before.
    """

    what: str
    line: str
    code: int
    message: str
    files: Mapping[str, Content] = field(default_factory=dict)
    stdin: bytes = b""
    stdout: str = ""

    def lay_out(self, folder: Path) -> None:
        """Make the files."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                path.write_text(content)
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                content(path)
