"""What a command finds around it: closed streams, full disks, folders it may not write, signals."""

from __future__ import annotations

import fnmatch
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from looped.cli.main import cli
from tests.cli.bad.compiled import good

Files = Mapping[str, bytes]

ROOT = Path(__file__).parents[3]
_LOOP: Files = {"a.sasm": b"loop: out x\njmp loop\nx: .word 'x'\n"}
_ECHO: Files = {"a.sasm": b"loop: in x\njlt x, end\nout x\njmp loop\nend: halt\nx: .word 0\n"}
_GREET: Files = {"a.sasm": b"putc 'H'\nhalt\n"}
_LONG: Files = {"a.sasm": b".zero 900000\n"}


def _small_files() -> None:
    """No file grows beyond 1000 bytes, as on a disk that is full then."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


@dataclass(frozen=True)
class Situation:
    """A shell's command line in a folder with `files`, and how it ends.

    `$looped` is the command; `before` is done in the process before it. `stdout` is all of its
    output, `stderr` all of its messages (`*` is anything). Afterwards the folder is as it was.
    """

    what: str
    line: str
    code: int
    stderr: str = ""
    stdout: str = ""
    files: Files = field(default_factory=lambda: _GREET)
    before: Callable[[], None] | None = None


SITUATIONS = [
    Situation("no stdout", "$looped run a.sasm >&-", 4,
              "error: cannot write to stdout: Bad file descriptor\n"),
    Situation("a full stdout", "$looped run a.sasm > /dev/full", 4,
              "error: cannot write to stdout: No space left on device\n"),
    Situation("a reader that goes away",
              "$looped run a.sasm | head -c 1; exit ${PIPESTATUS[0]}", 141,
              "", "x", _LOOP),
    Situation("a full disk", "$looped compile a.sasm -o m.safetensors", 4,
              "error: cannot write m.safetensors: File too large\n",
              files={**_GREET, "m.safetensors": good()[:900]}, before=_small_files),
]  # fmt: skip
"""The most important ones; importing torch takes a while in each."""

MORE = [
    Situation("no stdout, asm", "$looped asm a.sasm >&-", 4,
              "error: cannot write to stdout: Bad file descriptor\n"),
    Situation("no stdout, and none needed",
              "$looped asm a.sasm -o b.dec >&-; cat b.dec | wc -l; rm b.dec",
              0, "", "15\n"),
    Situation("no stderr", "$looped run a.sasm 2>&-", 0, "", "H"),
    Situation("no stderr for a message", "$looped run b.sasm 2>&-", 4),
    Situation("no streams at all", "$looped run a.sasm <&- >&- 2>&-", 4),
    Situation("a full stdout, help", "$looped --help > /dev/full", 4,
              "error: cannot write to stdout: No space left on device\n"),
    Situation("a full stdout, JSON", "$looped info subleq --memory 32 --json > /dev/full", 4,
              "error: cannot write to stdout: No space left on device\n"),
    Situation("a full stderr", "$looped run b.sasm 2> /dev/full", 4),
    Situation("a reader of an image that goes away",
              "$looped asm a.sasm | head -n 1; exit ${PIPESTATUS[0]}", 141, "", "0\n", _LONG),
    Situation("a stdin that cannot be read", "$looped run a.sasm 0> /dev/null", 4,
              "error: cannot read stdin: Bad file descriptor\n", files=_ECHO),
    Situation("a stdin for input that cannot be read",
              "$looped verify a.sasm --input - 0> /dev/null", 4,
              "error: cannot read stdin: Bad file descriptor\n", files=_ECHO),
    Situation("a full disk for an image", "$looped asm a.sasm -o a.dec", 4,
              "error: cannot write a.dec: File too large\n", files=_LONG, before=_small_files),
    Situation("a full disk for a checkpoint", "$looped run a.sasm --steps 5 --checkpoint c", 4,
              "error: cannot write c: File too large\n", before=_small_files,
              files={"a.sasm": b"loop: jmp next\nnext: jmp loop\n", "c": b"old"}),
    Situation("a full disk for a picture", "$looped info subleq --memory 32 --picture a.svg", 4,
              "error: cannot write a.svg: File too large\n", before=_small_files),
    Situation("a full disk for a checkpoint of Llama", "$looped export --format hf subleq .", 4,
              "error: cannot write model.safetensors: File too large\n", before=_small_files),
    Situation("an encoding without Greek",
              "PYTHONIOENCODING=ascii $looped asm --help > /dev/null", 0),
    Situation("bytes in a name that are not UTF-8",
              "mv a.sasm $'\\xff.sasm'; $looped verify $'\\xff.sasm'; mv $'\\xff.sasm' a.sasm",
              0, "",
              "\\udcff.sasm: wrote 1 bytes: H\n"
              "\\udcff.sasm: equal. 3 steps until it halted; after each, "
              "all 3,876 lanes were exactly those of the reference.\n"),
]  # fmt: skip
"""All the others."""


def check(situation: Situation, folder: Path) -> None:
    for name, content in situation.files.items():
        (folder / name).write_bytes(content)
    result = subprocess.run(
        ["bash", "-c", situation.line],
        cwd=folder,
        env={**os.environ, "looped": f"{sys.executable} -m looped", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        preexec_fn=situation.before,
    )
    assert fnmatch.fnmatchcase(result.stderr, situation.stderr), result.stderr
    assert (result.stdout, result.returncode) == (situation.stdout, situation.code)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == dict(situation.files)


@pytest.mark.parametrize("situation", SITUATIONS, ids=range(len(SITUATIONS)))
def test_what_is_around_a_command_is_no_reason_to_crash(
    situation: Situation, tmp_path: Path
) -> None:
    check(situation, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("situation", MORE, ids=range(len(MORE)))
def test_nor_is_anything_else_around_it(situation: Situation, tmp_path: Path) -> None:
    check(situation, tmp_path)


@pytest.mark.slow
def test_ctrl_c_ends_verify(tmp_path: Path) -> None:
    (tmp_path / "a.sasm").write_text("loop: jmp next\nnext: jmp loop\n")
    command = [sys.executable, "-m", "looped", "verify", "-v", str(tmp_path / "a.sasm")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "engine: dense\n"
        running.send_signal(signal.SIGINT)
        assert running.stderr.read() == "\ninterrupted\n"
        assert running.wait(timeout=60) == 130


def as_nobody(folder: Path, *line: str) -> tuple[int, str]:
    """Exit code and messages of a command in a folder that its user cannot write to."""
    said = (folder.parent / "stderr").open("w+")
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        os.dup2(said.fileno(), 2)
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
        os.setgroups([])
        os.setuid(65534)
        try:
            cli(line)
        except SystemExit as end:
            sys.stderr.flush()
            os._exit(int(end.code or 0))
        finally:
            os._exit(99)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said.seek(0)
    return code, said.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_folder_and_a_file_of_somebody_else(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(0o755)
    (folder / "a.sasm").write_text("halt\n")
    (folder / "a.dec").write_bytes(b"old")
    for path, mode in ((folder, 0o755), (folder / "a.sasm", 0o644), (folder / "a.dec", 0o644)):
        path.chmod(mode)
    (folder / "private.sasm").touch(0o600)
    looped = CliRunner().invoke  # what is imported late must be there before: nobody may read it
    assert looped(cli, ["asm", str(folder / "a.sasm"), "-o", str(tmp_path / "x")]).exit_code == 0
    denied = "Permission denied\n"
    assert as_nobody(folder, "asm", "a.sasm", "-o", "a.dec") == (
        4,
        f"error: cannot write a.dec: {denied}",
    )
    assert as_nobody(folder, "run", "private.sasm") == (
        4,
        f"error: cannot read private.sasm: {denied}",
    )
    assert (folder / "a.dec").read_bytes() == b"old"
    assert sorted(path.name for path in folder.iterdir()) == ["a.dec", "a.sasm", "private.sasm"]
