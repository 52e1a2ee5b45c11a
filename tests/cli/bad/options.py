"""Options: values that are none, combinations without a meaning, names that nobody knows."""

from __future__ import annotations

from tests.cli.bad.case import Case, Content
from tests.cli.bad.compiled import good

__all__ = ["OPTIONS"]

_HALT: dict[str, Content] = {"a.sasm": "halt\n"}
_LOOP: dict[str, Content] = {"a.sasm": "loop: out x\njmp loop\nx: .word 'x'\n"}
_BUSY: dict[str, Content] = {"a.sasm": "loop: jmp next\nnext: jmp loop\n"}
_CHANGING: dict[str, Content] = {"a.sasm": "inc 0\nhalt\n"}
_TRAP: dict[str, Content] = {"a.s": "ebreak\n"}
_COMPILED: dict[str, Content] = {"m.safetensors": good()}
_EMPTY: dict[str, Content] = {"m.safetensors": good(None)}


def _usage(line: str, message: str, **files: Content) -> Case:
    return Case(f"the command line {line}", line, 2, f"Error: {message}", files)


def _asked(line: str, message: str, files: dict[str, Content] = _HALT, code: int = 5) -> Case:
    return Case(f"what {line} asks for", line, code, f"error: {message}", files)


OPTIONS = [
    # ---------------------------------------------------------------- usage
    _usage("compute a.sasm", "No such command 'compute'. Did you mean 'compile'?"),
    _usage("--fast", "No such option '--fast'."),
    _usage("asm", "Missing argument 'SOURCE'."),
    _usage("asm a.sasm b.sasm", "Got unexpected extra argument (b.sasm)"),
    _usage(
        "asm a.sasm --format elf",
        "Invalid value for '--format': 'elf' is not one of 'dec', 'hex', 'bin'.",
    ),
    _usage("asm a.sasm --width 8.5", "Invalid value for '--width': '8.5' is not a valid integer."),
    _usage("compile", "Missing argument 'PROGRAM|MACHINE'."),
    _usage("compile --bake subleq", "--bake needs a program."),
    _usage("compile subleq --machine rv32i", "subleq is a machine, and --machine names another."),
    _usage(
        "compile a.sasm --dtype float8",
        "Invalid value for '--dtype': 'float8' is not one of 'float64', 'float32', "
        "'bfloat16', 'float16'.",
    ),
    _usage(
        "compile a.sasm --engine dense", "No such option '--engine'. Did you mean '--attention'?"
    ),
    _usage("run", "Missing argument 'PROGRAM'."),
    _usage("run a.sasm --steps -1", "Invalid value for '--steps': -1 is not in the range x>=0."),
    _usage(
        "run a.sasm --steps many",
        "Invalid value for '--steps': 'many' is not a valid integer range.",
    ),
    _usage(
        "run a.sasm --engine steam",
        "Invalid value for '--engine': 'steam' is not one of 'auto', 'lifted', 'event', 'dense'.",
    ),
    _usage(
        "run a.sasm --timeout 0",
        "Invalid value for '--timeout': 0.0 is not in the range 0<x<=1000000000.0.",
    ),
    _usage("run a.sasm --timeout nan", "Invalid value for '--timeout': nan is not a number."),
    _usage(
        "run a.sasm --timeout inf",
        "Invalid value for '--timeout': inf is not in the range 0<x<=1000000000.0.",
    ),
    _usage(
        "run a.sasm --max-output -1",
        "Invalid value for '--max-output': -1 is not in the range x>=0.",
    ),
    _usage("run a.sasm --every 5", "--every needs --checkpoint FILE."),
    _usage(
        "run a.sasm --checkpoint c --every 0",
        "Invalid value for '--every': 0 is not in the range x>=1.",
    ),
    _usage(
        "run a.sasm --memroy 64",
        "No such option '--memroy'. (Did you mean one of: '--every', '--memory'?)",
    ),
    _asked(
        "run a.sasm --trace-file a.csv", "cannot tell the format of a.csv from its name", code=4
    ),
    _asked(
        "run a.sasm --trace-file no/a.jsonl",
        "cannot write no/a.jsonl: No such file or directory",
        code=4,
    ),
    _asked(
        "run a.sasm --trace-file a --trace-format spike",
        "a trace of subleq cannot be a commit log of Spike, which simulates RISC-V",
        code=4,
    ),
    _usage("diff", "Missing argument 'A'."),
    _asked("diff a.jsonl a.sasm", "cannot read a.jsonl: No such file or directory", code=4),
    _usage("verify", "Missing argument 'PROGRAM...', or --fuzz N."),
    _usage("verify a.sasm --jobs 0", "Invalid value for '--jobs': 0 is not in the range x>=1."),
    _usage("certify", "Missing argument 'MACHINE|PROGRAM|FILE|FOLDER'."),
    _usage("certify subleq --machine rv32i", "subleq is a machine, and --machine names another."),
    _usage("info", "Missing argument 'PROGRAM|MACHINE|FILE'."),
    _usage(
        "info a.sasm --memory 1e3", "Invalid value for '--memory': '1e3' is not a valid integer."
    ),
    _usage("export subleq folder", "Missing option '--format'. Choose from:"),
    _usage(
        "export --format tflite subleq folder",
        "Invalid value for '--format': 'tflite' is not one of 'hf', 'causal', 'bart', 'gguf', "
        "'onnx'.",
    ),
    _usage(
        "generate a.sasm --pruned --window",
        "Give one of --window, --pruned, --selective and --encoder.",
    ),
    _usage("export --format hf subleq", "Missing argument 'FOLDER'."),
    _usage(
        "run m.safetensors --width 16",
        "m.safetensors is compiled with --width 8, not 16.",
        **_COMPILED,
    ),
    _usage(
        "certify m.safetensors --memory 64",
        "m.safetensors is compiled with --memory 32, not 64.",
        **_COMPILED,
    ),
    _usage(
        "verify m.safetensors --machine rv32i",
        "m.safetensors is compiled with --machine subleq, not rv32i.",
        **_COMPILED,
    ),
    # ---------------------------------------------------------------- what is impossible
    _asked("run a.sasm --memory 33", "a memory of 33 words is impossible with 16-bit words"),
    _asked("run a.sasm --memory 0", "a memory of 0 words is impossible with 16-bit words"),
    _asked("run a.sasm --memory -64", "a memory of -64 words is impossible with 16-bit words"),
    _asked(
        "compile a.sasm --memory 1000000000000",
        "a memory of 1000000000000 words is impossible with 16-bit words",
    ),
    _asked(
        f"info a.sasm --memory {10**30}",
        "a memory of 1000000000000000000000000000000 words is impossible with 16-bit words",
    ),
    _asked(
        "verify a.sasm --width 8 --memory 512",
        "a memory of 512 words is impossible with 8-bit words",
    ),
    _asked("info subleq --width 7", "subleq has no 7-bit words"),
    _asked("certify rv32i --width 64", "rv32i has no 64-bit words"),
    _asked("run a.sasm --width 12", "subleq has no 12-bit words", code=3),
    _asked("run a.sasm --machine z80", "no machine named `z80`"),
    _asked("run a.sasm --device toaster", "no device named `toaster`"),
    _asked("run a.sasm --device cuda:99", "device cuda:99 does not exist"),
    _asked("run a.sasm --engine event --device cuda", "the event engine runs on the CPU"),
    _asked(
        "compile --bake a.sasm",
        "the instruction at address 0 (a.sasm:1) writes to address 0 (a.sasm:1), which "
        "is an instruction too: a baked program cannot change itself",
        _CHANGING,
    ),
    _asked(
        "run m.safetensors",
        "m.safetensors holds a machine without a program: there is nothing to run",
        _EMPTY,
    ),
    _asked(
        "verify m.safetensors",
        "m.safetensors holds a machine without a program: there is nothing to run",
        _EMPTY,
    ),
    _asked(
        "run m.safetensors --dtype bfloat16",
        "the machine is not certified in bfloat16: `layers.1.mlp.gate_proj.weight` has a "
        "weight that bfloat16 cannot hold",
        _COMPILED,
        code=8,
    ),
    _asked("compile m.safetensors", "m.safetensors is already compiled", _COMPILED, code=4),
    _asked("asm m.safetensors", "m.safetensors is already compiled", _COMPILED, code=4),
    _asked("run subleq", "subleq is a machine: this command needs a program", code=4),
    _asked("asm rv32i", "rv32i is a machine: this command needs a program", code=4),
    _asked("info z80", "cannot read z80: No such file or directory", code=4),
    # ---------------------------------------------------------------- runs that are stopped
    _asked(
        "run a.sasm --steps 5 --engine dense --width 8",
        "a.sasm did not halt within 5 steps: it is at address 3 (a.sasm:2): subleq 6, 6, 0",
        _BUSY,
        code=6,
    ),
    _asked(
        "run a.sasm --steps 0 --engine dense --width 8",
        "a.sasm did not halt within 0 steps: it is at address 0 (a.sasm:1): subleq 3, 3, -1",
        _HALT,
        code=6,
    ),
    _asked(
        "run a.sasm --timeout 0.000000001 --engine dense --width 8",
        "a.sasm did not halt within --timeout: it stopped after 0 steps at address 0 "
        "(a.sasm:1): subleq 6, 6, 3",
        _BUSY,
        code=9,
    ),
    Case(
        "output without end",
        "run a.sasm --max-output 3 --engine dense",
        10,
        "error: a.sasm wrote more than 3 bytes: it stopped after 7 steps at address 3 "
        "(a.sasm:2): subleq 7, 7, 0",
        _LOOP,
        stdout="xxx",
    ),
    _asked(
        "run a.s --engine dense --memory 32",
        "trap at 0x0 (a.s:1): a breakpoint: 0x00100073, `ebreak`",
        _TRAP,
        code=7,
    ),
]
"""What a caller asks for that is impossible."""
