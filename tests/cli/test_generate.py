"""`looped generate` and the causal export, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from looped.cli.main import cli
from tests.machines.test_dialects import PROGRAMS as DIALECTS

pytest.importorskip("transformers")
PROGRAMS = Path(__file__).parents[2] / "programs"
COUNTDOWN, ECHO = (str(PROGRAMS / "subleq" / f"{name}.sasm") for name in ("countdown8", "echo"))


def looped(*arguments: object, data: bytes = b"") -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments], input=data)


def test_the_listing_is_printed_and_compared() -> None:
    result = looped("generate", COUNTDOWN, "--compare")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("9 → 03\n[19] 38 → 06\n")
    assert result.stdout.endswith("[1a] 00 → 0f\n<0x0A> → 12\n[1b] 00 → 16\n[1b] 00 <halt>\n")
    assert result.stderr.startswith("145 tokens, 52 instructions, ")
    assert result.stderr.endswith("; each token is that of the reference\n")


def test_a_terminal_shows_output_in_colour() -> None:
    arguments = ["generate", COUNTDOWN, "--max-tokens", "2"]
    result = CliRunner().invoke(cli, arguments, color=True)
    assert result.stdout == "\x1b[32m\x1b[1m9\x1b[0m → 03\n"


def test_the_host_answers_with_stdin() -> None:
    result = looped("generate", ECHO, "--max-tokens", 14, data=b"abc")
    assert result.stdout.splitlines()[0] == "[1b] ? 0061 → 03"
    result = looped("generate", ECHO, "--compare", "--max-tokens", 60, "--json", data=b"")
    found = json.loads(result.stdout)
    assert found.pop("seconds") > 0
    assert found == {
        "prompt": 73,
        "tokens": 21,
        "instructions": 5,
        "halted": True,
        "output": "",
        "prompts": 1,
    }


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([COUNTDOWN, "--max-tokens", 3], 6, "the program did not halt within 3 tokens\n"),
        (
            [COUNTDOWN, "--context", 40],
            5,
            "a context of 40 tokens leaves no room behind a prompt of 40\n"
            "hint: use a longer --context\n",
        ),
        (
            [COUNTDOWN, "--context", 1 << 24],
            5,
            "in a context of 16,777,216 tokens float32 does not tell records apart by their age\n",
        ),
        (
            [PROGRAMS / "rv32i" / "hello.s"],
            5,
            "rv32i has no causal language model\nhint: machines: subleq\n",
        ),
        ([COUNTDOWN, "--memory", 16], 5, "the program has 32 words, but memory has only 16\n"),
        (
            [PROGRAMS / "subleq" / "wide.sasm", "--encoder"],
            5,
            "an encoder-decoder has words of at most 16 bits\n",
        ),
    ],
)
def test_what_is_impossible_is_an_error(arguments: list[object], code: int, message: str) -> None:
    result = looped("generate", *arguments)
    assert result.exit_code == code
    assert message in result.stderr and "Traceback" not in result.stderr


def test_export_writes_a_prompt_and_a_model(tmp_path: Path) -> None:
    result = looped("export", "--format", "causal", COUNTDOWN, tmp_path / "made")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'made'}: a LlamaForCausalLM of 3 layers\n"
    names = {path.name for path in (tmp_path / "made").iterdir()}
    assert names >= {"config.json", "generation_config.json", "model.safetensors", "prompt.txt"}
    assert names >= {"README.md", "tokenizer.json", "tokenizer_config.json"}
    result = looped("export", "--format", "causal", "subleq", tmp_path / "made")
    assert result.exit_code == 4
    assert result.stderr == "error: subleq is a machine: a prompt needs a program\n"


def test_an_exported_folder_is_certified_from_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    result = looped("export", "--format", "causal", "--window", COUNTDOWN, folder)
    assert result.stdout == f"{folder}: a MistralForCausalLM of 3 layers\n"
    result = looped("certify", folder)
    assert result.exit_code == 0, result.stderr
    assert "in float32 every text, in a window of 204 tokens continues as" in result.stdout
    (folder / "machine.json").write_text("{}")
    result = looped("certify", folder)
    assert result.exit_code == 4 and "does not hold width, memory, context" in result.stderr


@pytest.mark.parametrize("dialect", ["", "target-first"])
def test_a_program_of_numbers_runs_in_its_dialect(dialect: str, tmp_path: Path) -> None:
    path = tmp_path / "echo"
    path.write_text(DIALECTS[dialect][0])
    arguments = ("generate", path, "--width", 8, "--pruned", "--compare", "--json")
    result = looped(*arguments, "--dialect", dialect, data=b"A")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["output"] == DIALECTS[dialect][1]


def test_input_that_is_added_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "echo"
    path.write_text(DIALECTS["input-added"][0])
    result = looped("generate", path, "--dialect", "input-added", data=b"A")
    assert result.exit_code == 5
    assert "a word of input replaces another one, and is not added to it" in result.stderr


@pytest.mark.slow
def test_words_of_32_bits_have_four_layers(tmp_path: Path) -> None:
    wide = PROGRAMS / "subleq" / "wide.sasm"
    result = looped("export", "--format", "causal", wide, tmp_path / "made")
    assert result.stdout == f"{tmp_path / 'made'}: a LlamaForCausalLM of 4 layers\n"
    result = looped("generate", wide, "--pruned", "--compare", "--max-tokens", 60)
    assert result.stderr.startswith("60 tokens, "), result.stderr


@pytest.mark.slow
def test_a_window_runs_on_a_stock_mistral() -> None:
    result = looped("generate", COUNTDOWN, "--window", "--compare")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("9 → 03\n  (01) (ff)\n[19] 38 → 06\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "what", "file", "package"),
    [
        ("gguf", "a GGUF file", "model.gguf", "gguf"),
        ("onnx", "an ONNX graph", "model.onnx", "onnxscript"),
        ("bart", "a BartForConditionalGeneration", "model.safetensors", "transformers"),
    ],
)
def test_export_for_other_hosts(
    tmp_path: Path, kind: str, what: str, file: str, package: str
) -> None:
    pytest.importorskip(package)
    result = looped("export", "--format", kind, COUNTDOWN, tmp_path / "made")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'made'}: {what} of 3 layers\n"
    names = {path.name for path in (tmp_path / "made").iterdir()}
    assert names >= {file, "prompt.txt", "machine.json"}


def test_selective_attention_needs_one_prompt() -> None:
    result = looped("generate", COUNTDOWN, "--selective", "--compare", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["prompts"] == 1


def test_an_encoder_reads_a_program_that_keeps_its_instructions() -> None:
    result = looped("generate", COUNTDOWN, "--encoder", "--compare", "--context", 512)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("9 → 03\n[19] 38 → 06\n")
    result = looped("generate", PROGRAMS / "subleq" / "selfmodify.sasm", "--encoder")
    assert result.exit_code == 5
    assert "writes to address 1" in result.stderr
    assert "which is an instruction too: the encoder reads the program once" in result.stderr


def test_a_full_context_begins_a_new_prompt() -> None:
    result = looped("generate", COUNTDOWN, "--context", 64, "--pruned", "--compare", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["prompts"] > 2 and found["tokens"] == 145 and found["halted"]


def test_the_certificate_of_a_causal_machine() -> None:
    result = looped("certify", COUNTDOWN, "--causal")
    assert result.exit_code == 0, result.stderr
    assert "in float32 every text of up to 32,768 tokens continues as the reference does" in (
        result.stdout
    )
    result = looped("certify", COUNTDOWN, "--causal", "--dtype", "bfloat16", "--json")
    assert result.exit_code == 8
    assert json.loads(result.stdout)["tokens"]["bfloat16"] == 0
    assert result.stderr.startswith(
        "error: the causal machine is not certified in bfloat16: layer "
    )


def test_a_machine_has_no_causal_certificate() -> None:
    result = looped("certify", "subleq", "--causal")
    assert result.stderr == "error: subleq is a machine: a prompt needs a program\n"
