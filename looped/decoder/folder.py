"""The folder of an exported machine: what it holds whatever the host, and how it is read again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from looped.decoder.spec import Spec
from looped.decoder.tokenizer import tokenizer
from looped.decoder.vocabulary import Vocabulary
from looped.errors import FileError
from looped.files import read_bytes, write_atomically
from looped.image import Image

__all__ = ["MACHINE", "begin_folder", "read_json", "read_spec", "write_tokenizer"]

MACHINE = "machine.json"
"""The file with the sizes of the machine: the fields of `Spec`."""

_LIMIT = 1 << 20
"""Bytes of a JSON file that is no tokenizer, at most."""


def begin_folder(spec: Spec, image: Image, folder: Path) -> None:
    """Make a folder if necessary, with the sizes of a machine and the prompt of a program.

    Raises FileError, also for a folder with files but no machine, and CompileError if the program
    does not fit.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MACHINE).exists():
        raise FileError(f"{folder} holds files, and no machine", hint="give an empty folder")
    vocabulary = Vocabulary(spec)
    prompt = vocabulary.text(vocabulary.prompt(image.words, image.entry))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot write into {folder}: {error.strerror or error}") from None
    write_atomically(folder / "prompt.txt", prompt.encode())
    sizes = json.dumps(dataclasses.asdict(spec), indent=2) + "\n"
    write_atomically(folder / MACHINE, sizes.encode())


def write_tokenizer(spec: Spec, folder: Path) -> None:
    """Write the tokenizer into a folder that is there. Raises FileError, or CompileError if
    `transformers` is not installed."""
    text = tokenizer(Vocabulary(spec))
    try:
        text.save_pretrained(folder)
    except OSError as error:
        raise FileError(f"cannot write into {folder}: {error.strerror or error}") from None


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises FileError."""
    try:
        content = json.loads(read_bytes(path, _LIMIT))
    except ValueError:
        raise FileError(f"{path} is not a JSON file") from None
    if not isinstance(content, dict):
        raise FileError(f"{path} does not hold an object")
    return content


def read_spec(folder: Path) -> Spec:
    """The machine that an exported folder says it holds. Raises FileError, or CompileError for
    sizes that are impossible."""
    content = read_json(folder / MACHINE)
    optional = ("counter_bits", "window")
    names = [field.name for field in dataclasses.fields(Spec)]
    fits = set(content) == set(names) and all(
        type(value) is int or (value is None and name in optional)
        for name, value in content.items()
    )
    if not fits:
        raise FileError(f"{folder / MACHINE} does not hold {', '.join(names)}")
    return Spec(**content)
