"""The prompt: reads commands from a terminal, with history and completion, or from a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.shortcuts import CompleteStyle

from looped.debug.terminal.console import Console

__all__ = ["prompt"]


def prompt(console: Console) -> None:
    """Execute lines from stdin until it ends, or until `quit`. An error is printed, and no end."""
    for line in _typed(console) if sys.stdin.isatty() else sys.stdin:
        console.execute(line)
        if console.screen.quits:
            return


def _typed(console: Console) -> Iterator[str]:
    session: PromptSession[str] = PromptSession(
        completer=_Completer(console),
        complete_style=CompleteStyle.READLINE_LIKE,  # Tab does at once what it does in gdb
        complete_while_typing=False,
    )
    while True:
        try:
            yield session.prompt("(looped) ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


class _Completer(Completer):
    """Completes the last word of a line."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterator[Completion]:
        """The ways to complete the word before the cursor."""
        text = document.text_before_cursor
        begun = text.split(" ")[-1].lstrip("*")
        for each in self._console.completions(text):
            yield Completion(each, start_position=-len(begun))
