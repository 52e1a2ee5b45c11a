"""The commands as a user types them: output, exit codes, JSON, and no traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from looped.cli.main import cli
from looped.engines.auto import ENGINES

pytestmark = pytest.mark.usefixtures("kept")

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "programs" / "subleq"
ECHO, GREET, HELLO = (str(PROGRAMS / f"{n}.sasm") for n in ("echo", "greet", "hello"))
COMMANDS = ["asm", "compile", "run", "diff", "verify", "certify", "prove", "info", "export"]


def looped(*arguments: object, data: bytes = b"") -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments], input=data)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: str) -> None:
    result = looped(command, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.stdout and f"looped {command} " in result.stdout
    assert "--json" in result.stdout


def test_help_names_every_command_and_exit_code() -> None:
    result = looped("--help")
    assert all(f"  {command} " in result.stdout for command in COMMANDS)
    for code in (*range(12), 130, 141, 143):
        assert f"  {code:<4} " in result.stdout


def test_run_greets() -> None:
    result = looped("run", GREET)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Hi\n", "")


def test_run_reads_stdin() -> None:
    assert looped("run", ECHO, data=b"abc\n").stdout_bytes == b"abc\n"


@pytest.mark.parametrize("engine", ["auto", *ENGINES])
def test_every_engine_runs_and_verifies(engine: str) -> None:
    assert looped("run", ECHO, "--engine", engine, data=b"engine").stdout == "engine"
    assert looped("verify", GREET, "--engine", engine).exit_code == 0


def test_verbose_says_which_engine_runs_and_what_it_left_to_the_dense_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a cache, in which an earlier run may have left lifted code."""
    monkeypatch.setenv("LOOPED_CACHE", "")
    result = looped("run", GREET, "--verbose")
    assert result.stdout == "Hi\n"
    assert result.stderr == "engine: array\n7 steps, 0 loops fell back to the dense engine\n"
    result = looped("verify", GREET, "-v", "--json")
    assert result.stderr == "engine: dense\n"


def test_verify_in_several_processes() -> None:
    """In the order in which they are named, and the first error ends it."""
    command = ["verify", "--jobs", "2"]
    verdicts = json.loads(looped(*command, GREET, ECHO, "--json").stdout)
    assert [Path(v["file"]).stem for v in verdicts] == ["greet", "echo"]
    assert all(v["equal"] for v in verdicts)
    bad = looped(*command, GREET, "nowhere.sasm")
    assert bad.exit_code == 4 and "greet.sasm: equal." in bad.stdout
    assert bad.stderr == "error: cannot read nowhere.sasm: No such file or directory\n"


def test_run_as_json() -> None:
    result = json.loads(looped("run", ECHO, "--json", "--trace", data=b"a").stdout)
    assert (result["output"], result["halted"]) == ("a", True)
    assert len(result["trace"]) == result["steps"]
    assert [e["consumed"] for e in result["trace"] if e["consumed"] is not None] == [97, 65535]
    assert all(set(e) >= {"pc", "next_pc", "reads", "writes", "registers"} for e in result["trace"])


def test_trace_shows_registers_and_traps() -> None:
    result = looped("run", "programs/rv32i/hello.s", "--trace")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert any(re.search(r"hello\.s:\d+  x\d+ = 0x", line) for line in lines)
    assert any(line.rstrip().endswith("trap 11") or "trap 11" in line for line in lines)


def test_trace_shows_source_lines() -> None:
    result = looped("run", GREET, "--trace")
    assert result.stdout == "Hi\n"
    assert f"pc      0 -> 3      {GREET}:11  out 72 'H'" in result.stderr


@pytest.mark.parametrize(("status", "code"), [(0, 0), (0x12A, 42)])
def test_run_ends_with_the_status_of_the_program(status: int, code: int, tmp_path: Path) -> None:
    path = tmp_path / "leave.s"
    path.write_text(f"li a7, 93\nli a0, {status}\necall\n")
    result = looped("run", path, "--engine", "event")
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", "")


def test_a_trap_has_the_code_of_an_error_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "stop.s"
    path.write_text("li a0, 3\nebreak\n")
    result = looped("run", path, "--engine", "event", "--json")
    assert result.exit_code == 7 and "trap at 0x4" in result.stderr
    assert json.loads(result.stdout)["exit_code"] is None


def test_run_stops_at_the_step_limit() -> None:
    result = looped("run", HELLO, "--steps", "3")
    assert (result.exit_code, result.stdout) == (6, "H")
    assert "did not halt within 3 steps: it is at address" in result.stderr
    assert f"({HELLO}:" in result.stderr


def test_compile_then_run_verify_and_info(tmp_path: Path) -> None:
    path = tmp_path / "greet.safetensors"
    result = looped("compile", GREET, "-o", path)
    assert result.stdout.startswith(f"{path}: subleq, 16 bits, 32 words, 3 blocks, d_model ")
    assert looped("run", path).stdout == "Hi\n"
    assert "equal. 7 steps until it halted" in looped("verify", path).stdout
    assert json.loads(looped("info", path, "--json").stdout)["memory"] == 32


def test_compile_bakes(tmp_path: Path) -> None:
    path = tmp_path / "echo.safetensors"
    assert looped("compile", "--bake", ECHO, "-o", path).exit_code == 0
    assert looped("run", path, data=b"baked").stdout == "baked"
    assert json.loads(looped("info", path, "--json").stdout)["program"] == "baked"


def test_what_cannot_be_baked_is_refused(tmp_path: Path) -> None:
    result = looped("compile", "--bake", HELLO, "-o", tmp_path / "x.safetensors")
    assert result.exit_code == 5
    assert "a baked program cannot change itself" in result.stderr
    assert not list(tmp_path.iterdir())


def test_asm_writes_images_that_run(tmp_path: Path) -> None:
    for kind in ("dec", "hex", "bin"):
        path = tmp_path / f"echo.{kind}"
        assert looped("asm", ECHO, "-o", path).exit_code == 0
        arguments = ("--machine", "subleq", "--width", "16", "--memory", "64")
        assert looped("run", path, *arguments, data=b"raw").stdout == "raw"


def test_asm_prints_decimals_or_json() -> None:
    assert looped("asm", GREET).stdout.splitlines()[:3] == ["6", "-1", "3"]
    told = json.loads(looped("asm", GREET, "--json").stdout)
    assert told["words"][:3] == [6, 65535, 3]
    assert told["source_map"][0] == [GREET, 11]


def test_info_explains_the_thousand_word_machine() -> None:
    told = json.loads(looped("info", "subleq", "--width", 16, "--memory", 1024, "--json").stdout)
    keys = "machine width memory blocks d_model n_heads d_head d_ff parameters nonzero_weights"
    assert set(keys.split()) <= set(told)
    assert (len(told["blocks"]), told["width"], told["memory"]) == (3, 16, 1024)
    assert told["d_model"] <= 192 and told["nonzero_weights"] <= 6000
    assert [head["name"] for head in told["blocks"][0]["heads"]] == ["a", "b", "c"]
    assert "result" in [group["name"] for group in told["blocks"][1]["mlp_groups"]]


def test_info_draws(tmp_path: Path) -> None:
    path = tmp_path / "machine.png"
    result = looped("info", "subleq", "--memory", 32, "--picture", path)
    assert result.exit_code == 0 and "block 3: MLP" in result.stdout
    assert path.read_bytes().startswith(b"\x89PNG")


def test_verify_as_json_for_several_programs() -> None:
    verdicts = json.loads(looped("verify", GREET, ECHO, "--json", "--dtype", "float64").stdout)
    assert [(v["equal"], v["halted"]) for v in verdicts] == [(True, True)] * 2
    assert verdicts[0]["output"] == "Hi\n"


def test_verify_takes_input(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"xyz")
    for source, data in ((tmp_path / "in", b""), ("-", b"xyz")):
        result = looped("verify", ECHO, "--input", source, data=data)
        assert "wrote 3 bytes: xyz" in result.stdout


def test_verify_reports_the_first_difference(tmp_path: Path) -> None:
    import torch

    from looped.artefact.checkpoint import load_machine, save_machine
    from looped.artefact.plan import CompiledMachine

    path = tmp_path / "broken.safetensors"
    looped("compile", GREET, "-o", path)
    machine, image = load_machine(path)
    weights = {**machine.weights, "norm.weight": torch.ones(machine.plan.d_model)}
    weights["norm.weight"][machine.plan.words["pc"][0]] = -1
    save_machine(path, CompiledMachine(machine.plan, weights), image)
    result = looped("verify", path)
    assert result.exit_code == 1
    assert "after step 1, the instruction at 0" in result.stderr
    assert "mem[0], word `pc`, is 1 and should be 0" in result.stderr
    told = json.loads(looped("verify", path, "--json").stdout)
    assert (told["equal"], told["step"], told["found"], told["expected"]) == (False, 1, "1", "0")


def test_certify_proves_and_says_how() -> None:
    result = looped("certify", "subleq", "--width", 8, "--memory", 32)
    assert result.exit_code == 0
    for text in ("decision diagrams", "exhaustion", "margin · β", "certified in float64, float32."):
        assert text in result.stdout
    told = json.loads(looped("certify", "subleq", "--memory", 32, "--json").stdout)
    assert told["sound"] and told["verdicts"]["float32"]["certified"]
    assert not told["verdicts"]["bfloat16"]["certified"]


def test_certify_ends_with_8_where_a_machine_is_not_exact(tmp_path: Path) -> None:
    path = tmp_path / "greet.safetensors"
    looped("compile", GREET, "-o", path)
    result = looped("certify", path, "--dtype", "bfloat16")
    assert result.exit_code == 8
    assert f"error: {path} is not certified in bfloat16: " in result.stderr


def test_a_dtype_without_a_certificate_needs_a_word(tmp_path: Path) -> None:
    path = tmp_path / "greet.safetensors"
    looped("compile", GREET, "-o", path)
    for command in ("run", "verify"):
        refused = looped(command, path, "--dtype", "bfloat16")
        assert refused.exit_code == 8
        assert refused.stderr.startswith("error: the machine is not certified in bfloat16: ")
        assert "--uncertified" in refused.stderr
    assert looped("run", path, "--dtype", "float16", "--uncertified", "--steps", 0).exit_code == 6


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_program_runs_in_the_small_dtype_that_it_is_compiled_for(
    dtype: str, tmp_path: Path
) -> None:
    path = tmp_path / "greet.safetensors"
    assert looped("compile", GREET, "-o", path, "--dtype", dtype).exit_code == 0
    assert looped("run", path, "--dtype", dtype).stdout == "Hi\n"
    assert "equal. 7 steps" in looped("verify", GREET, "--dtype", dtype).stdout


def test_export_writes_a_checkpoint(tmp_path: Path) -> None:
    result = looped("export", "--format", "hf", "subleq", tmp_path / "llama", "--memory", 32)
    assert result.stdout == f"{tmp_path / 'llama'}: a LlamaModel of 3 layers\n"
    config = json.loads((tmp_path / "llama" / "config.json").read_text())
    assert (config["hidden_act"], config["rms_norm_eps"]) == ("relu", 0.0)


BAD = [
    (["run", "nowhere.sasm"], 4, "error: cannot read nowhere.sasm: No such file or directory"),
    (["run", "."], 4, "error: . is a directory"),
    (["run", GREET, "--memory", "33"], 5, "error: a memory of 33 words is impossible with"),
    (["run", HELLO, "--memory", "32"], 5, "error: the program has "),
    (["run", GREET, "--width", "12"], 3, "error: subleq has no 12-bit words"),
    (["run", GREET, "--machine", "z80"], 5, "error: no machine named `z80`"),
    (["run", GREET, "--device", "cuda:9"], 5, "error: device cuda:9 does not exist"),
    (["run", GREET, "--device", "toaster"], 5, "error: no device named `toaster`"),
    (["run", GREET, "--dtype", "float8"], 2, "Usage: cli run"),
    (["run", GREET, "--engine", "steam"], 2, "Usage: cli run"),
    (["run", GREET, "--engine", "event", "--device", "cuda"], 5, "error: the event engine runs on"),
    (["run", GREET, "--steps", "-1"], 2, "Usage: cli run"),
    (["verify"], 2, "Usage: cli verify"),
    (["verify", GREET, "--input", "nowhere"], 4, "error: cannot read nowhere"),
    (["info", "z80"], 4, "error: cannot read z80: No such file or directory"),
    (["info", "subleq", "--width", "7"], 5, "error: subleq has no 7-bit words"),
    (["info", "subleq", "--memory", "0"], 5, "error: a memory of 0 words is impossible"),
    (["info", "subleq", "--picture", "x.txt"], 4, "error: cannot draw a `.txt` file"),
    (["compile", "--bake", "subleq"], 2, "Usage: cli compile"),
    (["compile", GREET, "-o", "/no/such/place.safetensors"], 4, "error: cannot write "),
    (["asm", GREET, "-o", "/no/such/place.dec"], 4, "error: cannot write "),
    (["export", "subleq", "x"], 2, "Usage: cli export"),
    (["nonsense"], 2, "Usage: cli "),
]


@pytest.mark.parametrize(("arguments", "code", "first"), BAD, ids=range(len(BAD)))
def test_bad_command_lines(arguments: list[str], code: int, first: str) -> None:
    result = looped(*arguments)
    assert result.exit_code == code
    assert result.stderr.startswith(first)
    assert "Traceback" not in result.output


def test_a_damaged_compiled_file(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"not at all")
    for command in ("run", "verify", "info"):
        result = looped(command, path)
        assert result.exit_code == 4
        assert "is not a compiled machine, or is damaged" in result.stderr


def test_a_compiled_file_keeps_its_width(tmp_path: Path) -> None:
    path = tmp_path / "greet.safetensors"
    looped("compile", GREET, "-o", path)
    result = looped("run", path, "--width", 8)
    assert result.exit_code == 2 and "is compiled with --width 16, not 8" in result.stderr


def process(*arguments: str, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "looped", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, **options)


LOOP = "loop: out x\njmp loop\nx: .word 'x'\n"


def test_ctrl_c_ends_cleanly_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "loop.sasm").write_text(LOOP)
    running = process("run", str(tmp_path / "loop.sasm"), stdout=subprocess.PIPE)
    assert running.stdout.read(1) == b"x"
    time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    assert b"steps at address" in stderr and b"loop.sasm:" in stderr
    assert b"Traceback" not in stderr


def test_a_closed_stdout_ends_cleanly(tmp_path: Path) -> None:
    (tmp_path / "loop.sasm").write_text(LOOP)
    running = process("run", str(tmp_path / "loop.sasm"), stdout=subprocess.PIPE)
    assert running.stdout.read(1) == b"x"
    running.stdout.close()
    stderr = running.stderr.read()
    assert running.wait(timeout=60) == 141
    assert stderr == b""


def test_a_command_without_stdin_has_no_input() -> None:
    command = f"{sys.executable} -m looped run {ECHO} <&-"
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    leader, follower = os.openpty()
    command = [sys.executable, "-m", "looped", "run", HELLO, "--engine", "dense"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=follower) as running:
        output = running.stdout.read()
    os.close(follower)
    shown = os.read(leader, 65536)
    os.close(leader)
    assert output == b"Hello, looped transformer!\n"
    assert b"run: " in shown and b"steps" in shown
    assert b"\x1b[2K" in shown.rpartition(b"a second")[2]  # the line is gone at the end


TALK = """
loop:   putc '?'
        in x
        jlt x, end
        out x
        jmp loop
end:    putc '.'
        halt
x:      .word 0
"""


def test_a_conversation_on_a_terminal(tmp_path: Path) -> None:
    """Each question is seen before it is answered, and nothing of ours is on the screen."""
    (tmp_path / "talk.sasm").write_text(TALK)
    leader, follower = os.openpty()
    attributes = termios.tcgetattr(follower)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(follower, termios.TCSANOW, attributes)
    command = [sys.executable, "-m", "looped", "run", str(tmp_path / "talk.sasm")]
    with subprocess.Popen(command, stdin=follower, stdout=follower, stderr=subprocess.PIPE) as run:
        assert os.read(leader, 1) == b"?"
        os.write(leader, b"a\n")
        assert b"".join(os.read(leader, 1) for _ in range(5)) == b"a?\r\n?"
        os.write(leader, b"\x04")
        assert os.read(leader, 1) == b"."
        assert run.wait(timeout=60) == 0
        assert run.stderr.read() == b""
    os.close(follower)
    os.close(leader)


def test_a_conversation_through_pipes(tmp_path: Path) -> None:
    (tmp_path / "talk.sasm").write_text(TALK)
    running = process(
        "run", str(tmp_path / "talk.sasm"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert running.stdout.read(1) == b"?"
    running.stdin.write(b"b")
    running.stdin.flush()
    assert running.stdout.read(2) == b"b?"
    running.stdin.close()
    assert running.stdout.read() == b"."
    assert running.wait(timeout=60) == 0
