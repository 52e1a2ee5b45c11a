"""Checkpoints of runs: damaged, of other runs, or made by somebody else."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import safetensors.torch
import torch
from click.testing import CliRunner

from looped.cli.main import cli
from tests.cli.bad.case import Case, Content
from tests.cli.bad.compiled import good as compiled
from tests.tensorfiles import with_checksum

__all__ = ["CHECKPOINTS", "PROGRAM", "forged", "good"]

PROGRAM = ".width 8\nloop: in x\nout x\njmp loop\nx: .word 0\n"

Tensors = dict[str, torch.Tensor]


@functools.cache
def good() -> bytes:
    """The checkpoint of PROGRAM after four steps, in which it has read and put out `ab`."""
    with TemporaryDirectory() as folder:
        source, state = Path(folder) / "a.sasm", Path(folder) / "state"
        source.write_text(PROGRAM)
        line = ["run", str(source), "--engine", "dense", "--steps", "5", "--checkpoint", str(state)]
        result = CliRunner().invoke(cli, line, input=b"abc")
        assert (result.exit_code, result.stdout) == (6, "ab"), result.output
        return state.read_bytes()


def forged(change: Callable[[Tensors, dict[str, Any]], object]) -> bytes:
    """The good checkpoint with other tensors or another run, under a checksum of its own."""
    content = good()
    tensors = safetensors.torch.load(content)
    size = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + size])["__metadata__"]
    run = json.loads(metadata["run"])
    change(tensors, run)
    return with_checksum(tensors, {**metadata, "run": json.dumps(run)})


def _state(
    what: str,
    content: Content,
    message: str,
    *,
    program: str = PROGRAM,
    options: str = "",
    stdin: bytes = b"abc",
) -> Case:
    if not message.startswith("error: "):
        message = f"error: state is not a checkpoint of a run, or is damaged: {message}"
    line = f"run a.sasm --resume state --engine dense {options}".strip()
    return Case(what, line, 4, message, {"a.sasm": program, "state": content}, stdin)


def _run(what: str, message: str, **fields: Any) -> Case:
    return _state(what, forged(lambda tensors, run: run.update(fields)), message)


def _snapshot(what: str, message: str, **fields: Any) -> Case:
    return _state(what, forged(lambda tensors, run: run["snapshot"].update(fields)), message)


CHECKPOINTS = [
    Case(
        "no checkpoint",
        "run a.sasm --resume state",
        4,
        "error: cannot read state: No such file or directory",
        {"a.sasm": PROGRAM},
    ),
    _state(
        "an empty file",
        b"",
        "it is truncated",
    ),
    _state(
        "half a checkpoint",
        good()[: len(good()) // 2],
        "it is truncated",
    ),
    _state(
        "a flipped bit",
        good()[:-1] + bytes([good()[-1] ^ 1]),
        "error: state is damaged: its checksum does not match its content",
    ),
    _state(
        "a compiled machine",
        compiled(),
        "error: state: expected looped-run-3, found looped-machine-4",
    ),
    _state(
        "another program",
        good(),
        "error: state is the checkpoint of another program",
        program=PROGRAM + ".word 1\n",
    ),
    _state(
        "another memory",
        good(),
        "error: state is the checkpoint of another machine",
        options="--memory 64",
    ),
    _state(
        "another width",
        good(),
        "error: state is the checkpoint of another machine",
        options="--width 16",
    ),
    _state(
        "another input",
        good(),
        "error: the first 2 bytes of the input are not those that the run has read",
        stdin=b"xyz",
    ),
    _state(
        "too little input",
        good(),
        "error: the input ends after 1 bytes, and the run has read 2",
        stdin=b"a",
    ),
    _state(
        "no state",
        forged(lambda tensors, run: tensors.pop("bits")),
        "a part of the state is missing",
    ),
    _state(
        "half a state",
        forged(lambda t, r: t.update(rest=t["rest"][:9].clone())),
        "the state has another shape",
    ),
    _state(
        "a state with one column of memory",
        forged(lambda t, r: (t.update(bits=t["bits"][:1].clone()), r["shape"].update(alike=1))),
        "error: state is damaged: the state has the shape (3, 75), and the machine needs (34, 75)",
    ),
    _run(
        "a shape of another machine",
        "the lanes of the state are out of range",
        shape={"alike": 1, "others": 0, "lanes": 8, "positions": []},
    ),
    _run(
        "a shape that is none",
        "run: Expected `object`, got `str` - at `$.shape`",
        shape="large",
    ),
    _run(
        "a lane that is twice a position",
        "the positions of the state share lanes",
        shape={"alike": 1, "others": 0, "lanes": 8, "positions": [[[3, 3], 0]]},
    ),
    _run(
        "steps in words",
        "run: Expected `int`, got `str` - at `$.steps`",
        steps="many",
    ),
    _run(
        "fewer than no steps",
        "a count is negative",
        steps=-1,
    ),
    _run(
        "a place that is none",
        "run: Expected `array` of length 3, got 2 - at `$.place`",
        place=[1, 2],
    ),
    _run(
        "another field",
        "run has no field `colour`",
        colour="blue",
    ),
    _run(
        "no snapshot",
        "run: Expected `object`, got `null` - at `$.snapshot`",
        snapshot=None,
    ),
    _run(
        "a shape beyond bounds",
        "the shape of the state is out of range",
        shape={"alike": 1, "others": 1 << 40, "lanes": 8, "positions": []},
    ),
    _state(
        "a state that is not bytes",
        forged(lambda t, r: t.update(rest=t["rest"].to(torch.float16))),
        "a part of the state has another type",
    ),
    _state(
        "a state of a dtype that NumPy does not have",
        forged(lambda t, r: t.update(rest=t["rest"].to(torch.bfloat16))),
        "it has numbers of the dtype BF16",
    ),
    _snapshot(
        "a program counter in words",
        "run: Expected `int`, got `str` - at `$.snapshot.pc`",
        pc="start",
    ),
    _snapshot(
        "a truth that is a number",
        "run: Expected `bool`, got `int` - at `$.snapshot.halted`",
        halted=0,
    ),
    _snapshot(
        "a number of 100 digits",
        "run.snapshot.pending_loops has an integer of more than 64 bits",
        pending_loops=10**99,
    ),
]
"""What `run --resume` is given. After each, the checkpoint is as it was."""
