"""Places in the file system: what is there instead of a file, and where no file can be."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cli.bad.case import Case, Content
from tests.cli.bad.compiled import good

__all__ = ["PLACES"]

_HALT: dict[str, Content] = {"a.sasm": "halt\n"}


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _to_device(path: Path) -> None:
    path.symlink_to("/dev/null")


def _terabytes(path: Path) -> None:
    """A file with a hole: it takes no room."""
    with path.open("wb") as file:
        file.truncate(1 << 42)


def _read(what: str, line: str, message: str, **files: Content) -> Case:
    return Case(
        what, line, 4, f"error: {message}", {k.replace("_", "."): v for k, v in files.items()}
    )


def _write(what: str, line: str, message: str, **files: Content) -> Case:
    return Case(what, line, 4, f"error: {message}", {**_HALT, **files})


PLACES = [
    # ---------------------------------------------------------------- read
    _read("no file", "run a.sasm", "cannot read a.sasm: No such file or directory"),
    _read(
        "no file, second",
        "verify a.sasm b.sasm",
        "cannot read a.sasm: No such file or directory",
        a_s="nop\n",
    ),
    _read("no folder", "asm b/a.sasm", "cannot read b/a.sasm: No such file or directory"),
    _read(
        "a file for a folder",
        "asm a.sasm/b.sasm",
        "cannot read a.sasm/b.sasm: Not a directory",
        a_sasm="halt\n",
    ),
    _read(
        "a name of 5,000 characters",
        "run " + "x" * 5000,
        "cannot read " + "x" * 5000 + ": File name too long",
    ),
    _read("no name", "run ''", ". is a directory"),
    _read("a newline in a name", "run 'a\nb'", "cannot read a\\nb: No such file or directory"),
    _read(
        "bytes in a name that are not UTF-8",
        "run 'a\udcff.sasm'",
        "cannot read a\\udcff.sasm: No such file or directory",
    ),
    _read(
        "a control sequence in a name",
        "run '\x1b[31ma'",
        "cannot read \\x1b[31ma: No such file or directory",
    ),
    _read("a folder", "run a.sasm", "a.sasm is a directory", a_sasm=_folder),
    _read("a folder", "verify a.dec", "a.dec is a directory", a_dec=_folder),
    _read("a folder", "info a.safetensors", "a.safetensors is a directory", a_safetensors=_folder),
    _read("a FIFO", "run a.sasm", "a.sasm is not a regular file", a_sasm=os.mkfifo),
    _read("a FIFO", "asm a.bin", "a.bin is not a regular file", a_bin=os.mkfifo),
    _read(
        "a FIFO",
        "certify a.safetensors",
        "a.safetensors is not a regular file",
        a_safetensors=os.mkfifo,
    ),
    _read(
        "a FIFO for input",
        "verify a.sasm --input f",
        "f is not a regular file",
        a_sasm="halt\n",
        f=os.mkfifo,
    ),
    _read("a folder for input", "verify a.sasm --input .", ". is a directory", a_sasm="halt\n"),
    _read(
        "no file for input",
        "verify a.sasm --input none",
        "cannot read none: No such file or directory",
        a_sasm="halt\n",
    ),
    _read("a device", "run /dev/zero", "/dev/zero is not a regular file"),
    _read(
        "a device for input",
        "verify a.sasm --input /dev/zero",
        "/dev/zero is not a regular file",
        a_sasm="halt\n",
    ),
    _read(
        "a symbolic link to itself",
        "run a.sasm",
        "cannot read a.sasm: Too many levels of symbolic links",
        a_sasm=_loop,
    ),
    _read(
        "a symbolic link to itself",
        "export --format hf a.safetensors b",
        "cannot read a.safetensors: Too many levels of symbolic links",
        a_safetensors=_loop,
    ),
    _read(
        "a symbolic link to nothing",
        "compile a.s",
        "cannot read a.s: No such file or directory",
        a_s=_dangling,
    ),
    _read("four terabytes", "run a.sasm", "a.sasm is larger than 1 MB", a_sasm=_terabytes),
    _read("four terabytes", "asm a.hex", "a.hex is larger than 64 MB", a_hex=_terabytes),
    _read(
        "four terabytes",
        "run a.safetensors",
        "a.safetensors is larger than 4096 MB",
        a_safetensors=_terabytes,
    ),
    _read(
        "four terabytes for input",
        "verify a.sasm --input b",
        "b is larger than 64 MB",
        a_sasm="halt\n",
        b=_terabytes,
    ),
    Case(
        "an include of a link to itself",
        "asm a.sasm",
        3,
        "a.sasm:1:10: error: cannot read b: Too many levels of symbolic links",
        {"a.sasm": '.include "b"\n', "b": _loop},
    ),
    Case(
        "an include of a FIFO",
        "asm a.sasm",
        3,
        "a.sasm:1:10: error: b is not a regular file",
        {"a.sasm": '.include "b"\n', "b": os.mkfifo},
    ),
    # ---------------------------------------------------------------- written
    _write("no folder", "asm a.sasm -o b/a.dec", "cannot write b/a.dec: No such file or directory"),
    _write(
        "no folder",
        "compile a.sasm -o b/m.safetensors",
        "cannot write b/m.safetensors: No such file or directory",
    ),
    _write(
        "a file for a folder",
        "compile a.sasm -o a.sasm/m.safetensors",
        "cannot write a.sasm/m.safetensors: Not a directory",
    ),
    _write("no name", "asm a.sasm -o ''", "cannot write .: it is a directory"),
    _write(
        "a folder in the way", "asm a.sasm -o b", "cannot write b: it is a directory", b=_folder
    ),
    _write(
        "a folder in the way",
        "compile a.sasm",
        "cannot write a.safetensors: it is a directory",
        **{"a.safetensors": _folder},
    ),
    _write(
        "a device in the way",
        "asm a.sasm -o /dev/full",
        "cannot write /dev/full: it is not a regular file",
    ),
    _write(
        "a link to a device in the way",
        "compile a.sasm -o b",
        "cannot write b: it is not a regular file",
        b=_to_device,
    ),
    _write(
        "a FIFO in the way",
        "asm a.sasm -o b",
        "cannot write b: it is not a regular file",
        b=os.mkfifo,
    ),
    _write(
        "a link to itself in the way",
        "asm a.sasm -o b",
        "cannot write b: Too many levels of symbolic links",
        b=_loop,
    ),
    _write(
        "a name of 300 characters",
        "asm a.sasm -o " + "x" * 300,
        "cannot write " + "x" * 300 + ": File name too long",
    ),
    _write(
        "where only the kernel makes files",
        "asm a.sasm -o /proc/a.dec",
        "cannot write /proc/a.dec: No such file or directory",
    ),
    _write("a picture of another kind", "info subleq --picture a.txt", "cannot draw a `.txt` file"),
    _write(
        "a picture without a kind",
        "info subleq --picture picture",
        "cannot draw a file whose name has no ending",
    ),
    _write(
        "a picture in no folder",
        "info subleq --memory 32 --picture b/a.svg",
        "cannot write b/a.svg: No such file or directory",
    ),
    _write(
        "a checkpoint in no folder",
        "run a.sasm --checkpoint b/c",
        "cannot write b/c: No such file or directory",
    ),
    _write(
        "a folder for a checkpoint",
        "run a.sasm --checkpoint b",
        "cannot write b: it is a directory",
        b=_folder,
    ),
    _write("a file for a folder", "export --format hf subleq a.sasm", "a.sasm is not a folder"),
    _write(
        "a file for a folder's folder",
        "export --format hf subleq a.sasm/b",
        "cannot make the folder a.sasm/b: Not a directory",
    ),
    _write(
        "a folder in the way of weights",
        "export --format hf m.safetensors b",
        "cannot write b/model.safetensors: it is a directory",
        **{"m.safetensors": good(), "b/model.safetensors": _folder},
    ),
    _write(
        "a folder where only the kernel makes them",
        "export --format hf subleq /proc/b",
        "cannot make the folder /proc/b: No such file or directory",
    ),
]
"""Where files are to be read and written, and cannot be."""
