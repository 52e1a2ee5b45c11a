"""Compiled machines (`.safetensors`): damaged, of another format, or made by somebody else."""

from __future__ import annotations

import functools
import json
import pickle
import struct
from collections.abc import Callable
from typing import Any

import safetensors.torch
import torch

from looped.artefact.checkpoint import save_machine
from looped.image import Image
from tests.cli.bad.case import Case, Content
from tests.conftest import compiled
from tests.tensorfiles import with_checksum

__all__ = ["COMPILED", "forged", "good"]

Tensors = dict[str, torch.Tensor]
Metadata = dict[str, Any]

_DAMAGED = "error: m.safetensors is damaged: "
_EXPECTED = "error: m.safetensors: expected looped-machine-4, found "

_IMAGE = Image("subleq", 8, (3, 3, 255), {"start": 0})


@functools.cache
def good(image: Image | None = _IMAGE) -> bytes:
    """The content of a good file."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        save_machine(path, compiled("subleq", 8, 32), image)
        return path.read_bytes()


def forged(change: Callable[[Tensors, Metadata], object]) -> bytes:
    """The good file with other tensors or metadata, whose plan and program are objects, under a
    checksum of their own."""
    content = good()
    tensors = safetensors.torch.load(content)
    size = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + size])["__metadata__"]
    parsed = {**metadata, **{key: json.loads(metadata[key]) for key in ("plan", "program")}}
    change(tensors, parsed)
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in parsed.items()}
    return with_checksum(tensors, texts)


def _header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


def _file(what: str, content: Content, message: str, command: str = "run") -> Case:
    """Most of them are said to be no compiled machine, and why."""
    path = "m.safetensors"
    if not message.startswith("error: "):
        message = f"error: {path} is not a compiled machine, or is damaged: {message}"
    return Case(what, f"{command} {path}", 4, message, {path: content})


def _plan(what: str, message: str, command: str = "info", **fields: Any) -> Case:
    content = forged(lambda tensors, metadata: metadata["plan"].update(fields))
    return _file(what, content, message, command)


def _program(what: str, message: str, command: str = "verify", **fields: Any) -> Case:
    content = forged(lambda tensors, metadata: metadata["program"].update(fields))
    return _file(what, content, message, command)


def _weights(what: str, message: str, command: str = "certify", **tensors: torch.Tensor) -> Case:
    named = {name.replace("__", "."): tensor for name, tensor in tensors.items()}
    content = forged(lambda tensors, metadata: tensors.update(named))
    return _file(what, content, message, command)


def _in_plan(field: str, key: str | int, value: object) -> Callable[[Tensors, Metadata], None]:
    """A change of one entry of a field of the plan."""

    def change(tensors: Tensors, metadata: Metadata) -> None:
        metadata["plan"][field][key] = value

    return change


def _occupant(word: str, bit: int, start: int, end: int) -> dict[str, object]:
    return {"word": word, "bit": bit, "start": start, "end": end}


def _broken(tensors: Tensors, metadata: Metadata) -> None:
    metadata["plan"] = json.dumps(metadata["plan"])[:1000]


def _not_a_number(tensors: Tensors, metadata: Metadata) -> None:
    metadata["plan"]["width"] = float("nan")


def _nested(tensors: Tensors, metadata: Metadata) -> None:
    metadata["plan"] = "[" * 100_000 + "]" * 100_000


_GAIN = compiled("subleq", 8, 32).weights["norm.weight"]

COMPILED = [
    # ---------------------------------------------------------------- bytes
    _file("an empty file", b"", "it is truncated"),
    _file("seven bytes", b"1234567", "it is truncated", "verify"),
    _file("truncated within the header", good()[:100], "it is truncated", "info"),
    _file(
        "truncated within the weights",
        good()[:-1],
        _DAMAGED + "its checksum does not match its content",
        "certify",
    ),
    _file(
        "a flipped bit of a weight",
        good()[:-9] + bytes([good()[-9] ^ 1]) + good()[-8:],
        _DAMAGED + "its checksum does not match its content",
    ),
    _file(
        "a flipped bit of the plan",
        good().replace(b"pc", b"qc", 1),
        _DAMAGED + "its checksum does not match its content",
    ),
    _file(
        "bytes behind the end",
        good() + b"more",
        _DAMAGED + "its checksum does not match its content",
    ),
    _file("a header of 2^63 bytes", _header(b"{}", 1 << 63), "it is truncated"),
    _file("a header of 2^40 bytes", _header(b"{}", 1 << 40), "it is truncated"),
    _file("a header that is no JSON", _header(b"not at all"), "its header is unreadable"),
    _file("a header that is a list", _header(b"[]"), "its header is unreadable"),
    _file("a header of 100,000 brackets", _header(b"[" * 100_000), "its header is unreadable"),
    _file(
        "a header of invalid UTF-8",
        _header(b'{"__metadata__":{"\xff":"1"}}'),
        "its header is unreadable",
    ),
    _file(
        "a number of 10,000 digits",
        _header(b'{"a":' + b"1" * 10_000 + b"}"),
        "error: m.safetensors is not a looped file",
    ),
    _file("a pickle", pickle.dumps({"weights": [1, 2, 3]}), "it is truncated"),
    _file("a source under a wrong name", "halt\n", "it is truncated"),
    _file(
        "tensors of others",
        safetensors.torch.save({"x": torch.zeros(3)}),
        "error: m.safetensors is not a looped file",
    ),
    _file(
        "an older format",
        forged(lambda t, m: m.update(format="looped-machine-1")),
        _EXPECTED + "looped-machine-1",
    ),
    _file(
        "the format before this one",
        forged(lambda t, m: m.update(format="looped-machine-2")),
        _EXPECTED + "looped-machine-2",
    ),
    _file("no checksum", good().replace(b'"sha256"', b'"sha257"'), "it has no checksum"),
    _file(
        "keys twice",
        _header(
            b'{"__metadata__":{"format":"looped-machine-4"},'
            + b'"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},' * 2
            + b'"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
        ),
        "it has no checksum",
    ),
    # ---------------------------------------------------------------- weights
    _weights(
        "NaN",
        _DAMAGED + "weight `norm.weight` is not finite float32",
        norm__weight=_GAIN * torch.nan,
    ),
    _weights(
        "infinity",
        _DAMAGED + "weight `norm.weight` is not finite float32",
        norm__weight=_GAIN * torch.inf,
    ),
    _weights(
        "a wrong shape",
        _DAMAGED + "weight `norm.weight` does not fit the machine's plan",
        norm__weight=torch.ones(3),
    ),
    _weights(
        "a wrong dtype",
        _DAMAGED + "weight `norm.weight` is not finite float32",
        norm__weight=_GAIN.double(),
    ),
    _weights(
        "one weight too many",
        _DAMAGED + "weight `surprise` does not fit the machine's plan",
        surprise=torch.ones(3),
    ),
    _file(
        "one weight too few",
        forged(lambda t, m: t.pop("norm.weight")),
        _DAMAGED + "weight `norm.weight` does not fit the machine's plan",
    ),
    # ---------------------------------------------------------------- plan
    _file("no plan", forged(lambda t, m: m.pop("plan")), "it has no plan"),
    _file("a plan of 100,000 brackets", forged(_nested), "plan is nested too deeply"),
    _file("a plan that is no JSON", forged(_broken), "plan: Input data was truncated"),
    _file(
        "a plan with NaN",
        forged(_not_a_number),
        "plan: JSON is malformed: invalid character (byte 31)",
    ),
    _plan("a width that is a text", "plan: Expected `int`, got `str` - at `$.width`", width="8"),
    _plan(
        "a size that is 2^200", "plan.d_model has an integer of more than 64 bits", d_model=1 << 200
    ),
    _plan("a size beyond bounds", "no machine has its sizes", d_model=1 << 40),
    _plan("no heads", "no machine has its sizes", n_heads=0),
    _plan("an entry beyond bounds", "it begins at no address", entry=1 << 60),
    _plan("a halting lane that is not there", "it names lanes that do not exist", halted=10_000),
    _plan("a busy lane that is not there", "it names lanes that do not exist", busy=-1),
    _plan("scratch lanes that are not there", "it names lanes that do not exist", scratch=[10_000]),
    _plan("no words", "it lacks words that every machine has", words={}),
    _plan("no blocks", "its blocks have other heads than it says", blocks=[]),
    _plan("another field", "plan has no field `colour`", colour="blue"),
    _plan("words without formats", "its words and their formats have different names", formats={}),
    _file(
        "a format that is none",
        forged(_in_plan("formats", "pc", {"kind": "roman", "fraction_bits": 0})),
        "plan: Invalid enum value 'roman' - at `$.formats[...].kind`",
    ),
    _file(
        "a flag of eight bits",
        forged(_in_plan("formats", "pc", {"kind": "flag", "fraction_bits": 0})),
        "the format of `pc` does not fit 8 bits",
    ),
    _plan("no registers", "its registers lack `pc`, or have one name twice", registers=[]),
    _plan("a register that is a tag", "`cpu` is not a register", registers=["pc", "cpu"]),
    _plan("a register without a word", "`sp` is not a register", registers=["pc", "sp"]),
    _plan("no occupants", "the lanes of `one` have other occupants", occupants=[]),
    _plan(
        "occupants beyond all lanes",
        "its occupants are in lanes that do not exist",
        occupants=[[]] * 10_000,
    ),
    _file(
        "an occupant for no time",
        forged(_in_plan("occupants", 0, [_occupant("one", 0, 3, 3)])),
        "an occupant has no word, no bit or no phases",
    ),
    _file(
        "an occupant after the last phase",
        forged(_in_plan("occupants", 0, [_occupant("one", 0, -1, 7)])),
        "an occupant has no word, no bit or no phases",
    ),
    _file(
        "two occupants of a lane",
        forged(_in_plan("occupants", 0, [_occupant("one", 0, -1, 6), _occupant("x", 0, 2, 3)])),
        "a lane has two occupants at a time",
    ),
    _file(
        "an occupant in words",
        forged(_in_plan("occupants", 0, ["one.0"])),
        "plan: Expected `object`, got `str` - at `$.occupants[0][0]`",
    ),
    _plan(
        "another mixer",
        "error: m.safetensors: the machine mixes columns by `linear`",
        mixer="linear",
    ),
    _plan("a dtype that is none", "there is no dtype `float8`", dtype="float8"),
    _plan("a machine that is none", "the program is for another machine", "verify", machine="z80"),
    # ---------------------------------------------------------------- program
    _file("no program", forged(lambda t, m: m.pop("program")), "it has no program"),
    _program(
        "a program for another machine", "the program is for another machine", machine="rv32i"
    ),
    _program(
        "an entry outside of the memory", "the program begins outside of the memory", entry=99
    ),
    _program(
        "lines of files that are not named",
        "the program has lines of files without a name",
        places=[[7, 1]] * 3,
    ),
    _program(
        "symbols that are no numbers",
        "program: Expected `int`, got `str` - at `$.symbols[...]`",
        symbols={"start": "here"},
    ),
    _weights(
        "words too large",
        "word 256 at address 2 is not a 8-bit word",
        program__words=torch.tensor([1, 2, 256]),
    ),
    _weights(
        "more words than memory",
        "the program has 33 words, but memory has only 32",
        program__words=torch.zeros(33).long(),
    ),
    _weights(
        "words that are floats", "the program is not a list of words", program__words=torch.zeros(3)
    ),
]
"""Files that `looped compile` has not written like that."""
