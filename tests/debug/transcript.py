"""Sessions of the terminal debugger as text: each command after a prompt, then what it prints."""

from __future__ import annotations

import io
from collections.abc import Sequence

from looped import api
from looped.artefact.plan import CompiledMachine
from looped.cli.debug import Terminal
from looped.debug.debugger import Debugger
from looped.debug.terminal.console import Console
from looped.debug.terminal.screen import Screen
from looped.debug.timeline import Timeline
from looped.engines.engine import Engine
from looped.image import Image

__all__ = ["PROMPT", "console", "transcript"]

PROMPT = "(looped) "


class _Lines(Terminal):
    """A terminal that keeps what it prints."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def write(self, content: bytes) -> None:
        self.text += content.decode()


def console(machine: CompiledMachine, image: Image, engine: Engine) -> tuple[Console, _Lines]:
    """A console on a program at its beginning."""
    lines = _Lines()
    timeline = Timeline(machine, image, engine, io.BytesIO(b""), lines.show)
    made = Console(Screen(Debugger(timeline), lines.say))
    made.screen.where()
    return made, lines


def transcript(
    machine: CompiledMachine, image: Image, commands: Sequence[str], engine: Engine | None = None
) -> str:
    """A session from the beginning of a program, on the engine `auto` if none is given."""
    made, lines = console(machine, image, engine or api.choose_engine(machine, "auto"))
    for command in commands:
        lines.begin_line()
        lines.text += PROMPT + command + "\n"
        made.execute(command)
    return lines.text
