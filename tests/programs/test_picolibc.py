"""C programs with the library picolibc, as `looped cc` compiles them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import looped
from looped import registry
from looped.cli.main import cli
from looped.engines.event import EventEngine
from looped.environment import Environment
from looped.image import Image
from looped.verify.lockstep import lockstep
from tests.conftest import compiled

COMPILER = "riscv64-unknown-elf-gcc"
LIBRARY = """
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(int argc, char **argv) {
  static jmp_buf back;
  int numbers[] = {5, 3, 9, 1};
  char *text = malloc(100);
  qsort(numbers, 4, sizeof numbers[0], ascending);
  for (int i = 0; i < 4; i++) printf("%d ", numbers[i]);
  strcpy(text, "heap");
  if (setjmp(back) == 0) longjmp(back, 5);
  printf("%f %s %d\\n", 3.25, text, argc);
  for (int i = 1; i < argc; i++) puts(argv[i]);
  return 42;
}
"""
FILES = """
#include <stdio.h>
int main(void) {
  char line[40];
  FILE *from = fopen("in.txt", "r"), *to = fopen("out.txt", "w");
  if (!from || !to || fopen("../secret", "r")) return 1;
  while (fgets(line, sizeof line, from)) fprintf(to, "> %s", line);
  fseek(from, 2, SEEK_SET);
  printf("%c %ld\\n", fgetc(from), ftell(to));
  return fclose(to) + fclose(from);
}
"""
INPUT = {
    "characters": (
        "int n = 0, c; while ((c = getchar()) != EOF) n += c == 255 ? 100 : 1;"
        ' printf("%d %d\\n", n, feof(stdin) && !ferror(stdin));',
        b"a\xff\nb",
        b"103 1\n",
    ),
    "numbers": (
        'int n, sum = 0, got; while ((got = scanf("%d", &n)) == 1) sum += n;'
        ' printf("%d %d\\n", sum, got == EOF);',
        b"20 30\n-8",
        b"42 1\n",
    ),
    "lines": (
        'char line[9]; int n = 0; while (fgets(line, 9, stdin)) n++; printf("%d\\n", n);',
        b"one\n\ntwo\n",
        b"3\n",
    ),
    "blocks": (
        'char all[99]; int n = fread(all, 1, 99, stdin); printf("%d %d\\n", n, all[0]);',
        b"*\n",
        b"2 42\n",
    ),
    "nothing": ('printf("%d %d\\n", getchar(), getchar());', b"", b"-1 -1\n"),
}
"""Programs that read all their input: the statements of `main`, the input, and the output."""

PARTS = {
    "floats": ("stdio.h", 'for (int i = 1; i < 9; i++) printf("%f %g\\n", 1.0 / i, i * 1e30);'),
    "malloc": (
        "stdlib.h",
        "for (int i = 1; i < 99; i++) { char *p = malloc(i); if (!p) return 1; p[i - 1] = i;"
        " if (i % 3) free(p); }",
    ),
    "qsort": (
        "stdlib.h",
        "int n[64]; for (int i = 0; i < 64; i++) n[i] = i * 37 % 64;"
        " qsort(n, 64, 4, ascending); for (int i = 0; i < 64; i++) if (n[i] != i) return 1;",
    ),
    "setjmp": (
        "setjmp.h",
        "static jmp_buf b; volatile int n = 0; int got = setjmp(b);"
        " if (got != n) return 1; if (n < 30) longjmp(b, ++n);",
    ),
    "heap": (
        "stdlib.h",
        "char *p = malloc(1 << 20); if (!p) return 1;"
        " for (int i = 0; i < 1 << 20; i += 4096) p[i] = 1;"
        " for (int i = 0; i < 1 << 20; i += 4096) if (p[i] != 1) return 1;",
    ),
}
"""What programs do with the library: a header, and the statements of `main`."""


def has_picolibc() -> bool:
    """Whether the compiler and its C library are installed."""
    if shutil.which(COMPILER) is None:
        return False
    command = [COMPILER, "-print-file-name=picolibc.specs"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip().startswith("/")


needs_picolibc = pytest.mark.skipif(not has_picolibc(), reason="picolibc is not installed")


def looped_cc(folder: Path, text: str, *more: str) -> Path:
    source = folder / "program.c"
    source.write_text(text)
    result = CliRunner().invoke(cli, ["cc", str(source), *more])
    assert result.exit_code == 0, result.output
    return source.with_suffix(".elf")


def on_the_reference(
    image: Image, environment: Environment, data: bytes = b""
) -> tuple[bytes, int | None]:
    memory = looped.api.usual_memory(image)
    machine, regions = registry.machine(image.machine), image.regions.parameters
    hart = machine.reference(image.words, 32, memory, b"", image.entry, **regions)
    system, output = registry.system_for(image, data, environment), bytearray()
    assert system is not None
    while not hart.halted:
        hart.step()
        service = system.after(hart)
        output += b"" if service is None else service.output
    return bytes(output), system.exit_code


@needs_picolibc
def test_the_library_works_on_the_reference(tmp_path: Path) -> None:
    image = looped.assemble(looped_cc(tmp_path, LIBRARY))
    assert image.machine == "rv32im"
    output, status = on_the_reference(image, Environment(arguments=("one", "two")))
    assert (output, status) == (b"1 3 5 9 3.250000 heap 3\none\ntwo\n", 42)


@needs_picolibc
def test_files_are_those_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "in.txt").write_text("abc\nd\n")
    image = looped.assemble(looped_cc(tmp_path, FILES))
    assert on_the_reference(image, Environment(files=folder)) == (b"c 10\n", 0)
    assert (folder / "out.txt").read_text() == "> abc\n> d\n"


@needs_picolibc
@pytest.mark.parametrize("name", INPUT)
def test_input_ends(name: str, tmp_path: Path) -> None:
    body, data, wanted = INPUT[name]
    text = f"#include <stdio.h>\nint main(void) {{ {body} return 0; }}\n"
    flags = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-std=c99")
    image = looped.assemble(looped_cc(tmp_path, text, "--", *flags))
    assert on_the_reference(image, Environment(), data) == (wanted, 0)


@needs_picolibc
def test_an_object_file_has_no_input_of_its_own(tmp_path: Path) -> None:
    looped_cc(tmp_path, "int main(void) { return 7; }\n", "-o", str(tmp_path / "a.o"), "--", "-c")
    program = looped_cc(tmp_path, "", "--", str(tmp_path / "a.o"))
    assert on_the_reference(looped.assemble(program), Environment()) == (b"", 7)


@needs_picolibc
def test_a_program_has_two_mebibytes(tmp_path: Path) -> None:
    image = looped.assemble(looped_cc(tmp_path, LIBRARY))
    assert image.symbols["__stack"] == 0x80000000 + (2 << 20)
    assert looped.api.usual_memory(image) == 1 << 19


@needs_picolibc
def test_memory_reaches_to_the_top_of_the_stack(tmp_path: Path) -> None:
    image = looped.assemble(looped_cc(tmp_path, LIBRARY, "--code", "32", "--ram", "400"))
    assert image.index(image.symbols["__stack"] - 4) < looped.api.usual_memory(image) == 1 << 19


@pytest.mark.slow
@needs_picolibc
@pytest.mark.parametrize("text", [LIBRARY, FILES], ids=["library", "files"])
def test_both_sides_agree_for_a_while(text: str, tmp_path: Path) -> None:
    image = looped.assemble(looped_cc(tmp_path, text, "--code", "32", "--ram", "32"))
    memory = 1 << 14  # 64 KiB: the event engine keeps several copies of each column
    machine = compiled("rv32im", 32, memory, **image.regions.parameters)
    verdict = lockstep(machine, EventEngine(machine), [image], [b""], 1000)
    assert verdict.steps == 1000


@pytest.mark.slow
@needs_picolibc
@pytest.mark.parametrize("name", PARTS)
def test_each_part_of_the_library_in_lockstep(name: str, tmp_path: Path) -> None:
    """To its end, or for many more steps than its start-up code takes.

    The event engine needs 5.5 GB for the memory of 2 MiB with the large heap.
    """
    header, body = PARTS[name]
    order = "static int ascending(const void *a, const void *b) { return *(int *)a - *(int *)b; }"
    text = f"#include <{header}>\n{order}\nint main(void) {{ {body} return ascending == 0; }}\n"
    ram = 1100 if name == "heap" else 32
    image = looped.assemble(looped_cc(tmp_path, text, "--code", "32", "--ram", str(ram)))
    memory = 1 << 19 if name == "heap" else 1 << 14
    machine = compiled("rv32im", 32, memory, **image.regions.parameters)
    verdict = lockstep(machine, EventEngine(machine), [image], [b""], 3000)
    assert verdict.halted or verdict.steps == 3000
    assert verdict.steps >= 1000


@pytest.mark.slow
@needs_picolibc
def test_both_programs_run_on_the_transformer(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "in.txt").write_text("abc\nd\n")
    program = looped_cc(tmp_path, LIBRARY)
    result = CliRunner().invoke(cli, ["run", str(program), "--", "one", "two"])
    assert (result.stdout, result.exit_code) == ("1 3 5 9 3.250000 heap 3\none\ntwo\n", 42)
    program = looped_cc(tmp_path, FILES)
    result = CliRunner().invoke(cli, ["run", str(program), "--files", str(folder)])
    assert (result.stdout, result.exit_code) == ("c 10\n", 0)
    assert (folder / "out.txt").read_text() == "> abc\n> d\n"


@pytest.mark.slow
@needs_picolibc
def test_the_shortest_command_line_makes_a_program_that_ends(tmp_path: Path) -> None:
    """Its start-up code ends in a jump to itself; `exit` ends a program before that."""
    source, program = tmp_path / "hello.c", tmp_path / "hello.elf"
    flags = ["-march=rv32im", "-mabi=ilp32", "--specs=picolibc.specs", "--oslib=semihost"]
    for end, status in (("return 3", 0), ("exit(3)", 3)):
        source.write_text(
            "#include <stdio.h>\n#include <stdlib.h>\n"
            f'int main(void) {{ printf("%f\\n", 1.5); {end}; }}\n'
        )
        subprocess.run([COMPILER, *flags, str(source), "-o", str(program)], check=True)
        result = CliRunner().invoke(cli, ["run", str(program)])
        assert (result.stdout, result.exit_code) == ("1.500000\n", status)
        assert ("an endless loop: the instruction at" in result.stderr) == (status == 0)


@pytest.mark.slow
@needs_picolibc
def test_a_heap_of_a_mebibyte_needs_no_option(tmp_path: Path) -> None:
    header, body = PARTS["heap"]
    program = looped_cc(tmp_path, f"#include <{header}>\nint main(void) {{ {body} return 5; }}\n")
    assert CliRunner().invoke(cli, ["run", str(program)]).exit_code == 5


@pytest.mark.parametrize("flag", ["-Wall", "-O0", "--std=c11", "-lm"])
def test_a_flag_in_the_wrong_place_is_told_the_right_one(flag: str) -> None:
    result = CliRunner().invoke(cli, ["cc", "hello.c", flag])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        f"Error: {flag} is not an option of `looped cc`. "
        f"Flags for the compiler go after `--`: looped cc FILE.c -- {flag}"
    )


def without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, specs: str | None) -> Result:
    """Call `looped cc` where there is no compiler, or one that finds `specs`."""
    if specs is not None:
        fake = tmp_path / COMPILER
        fake.write_text(f"#!/bin/sh\necho {specs}\n")
        fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return CliRunner().invoke(cli, ["cc", "hello.c"])


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (None, "error: riscv64-unknown-elf-gcc is not installed"),
        ("picolibc.specs", "error: riscv64-unknown-elf-gcc does not find the C library picolibc"),
    ],
)
def test_what_is_missing_is_named_with_its_package(
    specs: str | None, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = without(monkeypatch, tmp_path, specs)
    assert result.exit_code == 4
    assert result.stderr.splitlines() == [
        message,
        "hint: on Debian and Ubuntu: apt install gcc-riscv64-unknown-elf "
        "picolibc-riscv64-unknown-elf",
    ]


@needs_picolibc
def test_errors_of_the_compiler_have_the_exit_code_of_a_source(tmp_path: Path) -> None:
    (tmp_path / "bad.c").write_text("int main(void) { return }\n")
    assert CliRunner().invoke(cli, ["cc", str(tmp_path / "bad.c")]).exit_code == 3
