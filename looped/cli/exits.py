"""How a command ends: errors, interrupts and closed pipes become exit codes."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import click

from looped.errors import LoopedError

__all__ = ["EXIT_CODES", "CleanGroup"]

EXIT_CODES = """\b
Exit codes:
  0    done; a program that jumps to itself for ever is done, and a message says so
  1    the transformer and the reference, or two traces, differ
  2    the command line is wrong
  3    the source or the image has errors
  4    a file cannot be read or written, or has the wrong format
  5    the machine or the program cannot be compiled with these options
  6    the program did not halt within --steps
  7    the program raised a trap that no handler serves
  8    the machine is not certified in the dtype, or not proved
  9    the program did not halt within --timeout
  10   the program wrote more than --max-output
  11   there is no cluster at --cluster, or it failed
  130  interrupted (Ctrl-C)
  141  the reader of stdout closed the pipe
  143  terminated (SIGTERM)

If a RISC-V program exits by itself, `looped run` exits with the program's exit status (0 to 255)
and prints no message. looped prints its own errors on stderr."""


class CleanGroup(click.Group):
    """A click group that turns every expected end into an exit code, without a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line and exit."""
        _prepare_streams()
        try:
            status = super().main(*args, **{**kwargs, "standalone_mode": False})
            sys.stdout.flush()
        except LoopedError as error:
            _say(error.render())
            sys.exit(error.exit_code)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            _say("interrupted")
            sys.exit(130)
        except (_ReaderGone, BrokenPipeError):
            _forget_stdout()
            sys.exit(141)
        except OSError as error:
            _forget_stdout()
            where = "cannot write to stdout" if error.filename is None else error.filename
            _say(f"error: {where}: {error.strerror or error}")
            sys.exit(4)
        sys.exit(status or 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command; click has an exit code of its own for a broken pipe."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderGone from None


class _ReaderGone(Exception):
    """The reader of stdout has closed the pipe."""


def _prepare_streams() -> None:
    """Let nothing that is printed end in a traceback.

    stdout shows characters that its encoding lacks, and bytes in names of files, as escapes. If
    the command starts without a stream (`>&-`), the null device takes its number, so that no other
    file gets it; messages on a missing stderr are lost.
    """
    if sys.stdout is None:
        _reopen(1, os.O_RDONLY)  # so that writing is an error, as it is without the stream
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        _reopen(2, os.O_WRONLY)
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _reopen(number: int, mode: int) -> None:
    null = os.open(os.devnull, mode)
    os.dup2(null, number)
    if null != number:
        os.close(null)


def _say(text: str) -> None:
    try:
        click.echo(text, err=True)
    except OSError:
        _forget_stdout()


def _forget_stdout() -> None:
    """Discard what is left in the buffer, so that the interpreter ends without an error."""
    _reopen(sys.stdout.fileno(), os.O_WRONLY)
