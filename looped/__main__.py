"""`python -m looped`, and the command `looped`.

Loading torch takes a second or two. During that time Ctrl-C ends the process at once, without a
traceback. Afterwards `looped.cli` prints one line for an interrupt.
"""

from __future__ import annotations

import signal

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit."""
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from looped.cli.main import cli

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cli(prog_name="looped")


if __name__ == "__main__":
    main()
