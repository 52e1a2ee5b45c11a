"""The folder of the cache: where it is, and whether its entries can be believed.

Whoever can write to the folder can put machine code into it, which a run then executes. So the
folder must belong to the user, and nobody else may write to it. Hashes find damage, not malice of
the user's own account.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["folder", "open_folder"]

_NAME = "looped"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def folder() -> Path | None:
    """LOOPED_CACHE, else `looped` in the user's cache folder; None if there is to be no cache.

    LOOPED_CACHE turns the cache off if it is empty.
    """
    asked = os.environ.get("LOOPED_CACHE")
    if asked is not None:
        return Path(asked).absolute() if asked else None
    home = os.path.expanduser("~")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    return Path(base) / _NAME if os.path.isabs(base) and home != "/" else None


def open_folder(path: Path, make: bool) -> int | None:
    """A handle of the folder, which `make` creates; None if it is missing or not to be believed."""
    try:
        if make:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except (OSError, ValueError):
        return None
    status = os.fstat(handle)
    if status.st_uid == os.getuid() and not status.st_mode & _OTHERS:
        return handle
    os.close(handle)
    return None
