"""Commands of the terminal debugger: what they print, and what they answer to nonsense."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped import registry
from looped.artefact.plan import CompiledMachine
from looped.debug.terminal.console import COMMANDS, Console
from looped.engines.dense import DenseEngine
from looped.errors import Source
from looped.image import Image
from tests.conftest import compiled, examples
from tests.debug.sessions import CALLS, MEMORY, an_engine, image
from tests.debug.test_page import PAGE, sessions
from tests.debug.transcript import PROMPT, console, transcript

MATRIX = """
.machine fleq
.side 2
        add A, B -> C
        print C
        halt
.matrix A 2x2
     1    2.5
     3   -4
.matrix B 2x2
     5    6
     7    8
.zeros C 2x2
.scalar s 0.25
"""

ECHO = """
.machine subleq
.width 8
loop:   putc 'a'
        putc 'b'
        dec left
        jgt left, loop
        halt
left:   .word 3
"""

CALLING = """
stepi 2
step
break once
continue
backtrace
tbreak double if $a0 == 8
info line
finish
reverse-finish
reverse-next
next 2
nexti
continue
display/x $a0
undisplay 1
reverse-stepi 3
goto 0
disable
until *12
advance once
enable 1
start
run
head write result of $a0
block 4
info registers a0
info symbols once
rwatch *508
awatch mem[256]
info watchpoints
worker
where
help next
help
"""

ABOUT_MATRICES = """
print A
print s
print *s
print/d *s
display *s
x/2 A
x/2i 0
stepi
loop
loop 2
worker 1
head x
print C
set *s = 1.75
print *s
print/x *s
print *s * 2 == 3.5 && *s > 1.7
set mem[s] = 1
break 6 if *s < 0.5
output
run
output
loop
quit
"""


@cache
def fleq() -> tuple[CompiledMachine, Image]:
    """MATRIX, with two workers."""
    program = registry.assemble(Source("matrix.fleq", MATRIX))
    return compiled("fleq", 32, 64, side=2).with_workers(2), program


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def answers(text: str) -> dict[str, str]:
    """What each command printed; the last answer of a command that is there twice."""
    parts = text.split(PROMPT)[1:]
    return dict(part.rstrip("\n").split("\n", 1) for part in parts if "\n" in part[:-1])


def test_calls() -> None:
    program = image(CALLS)
    machine, engine = compiled("rv32i", 32, MEMORY), an_engine("rv32i", 32, "lifted")
    said = answers(transcript(machine, program, lines(CALLING), engine))
    assert not [name for name, answer in said.items() if "error" in answer]
    assert said["continue"].startswith("breakpoint 2\nstep 13") and "<double>" in said["continue"]
    assert said["finish"].startswith("step 8") and "<double+12>" in said["finish"]
    assert said["reverse-finish"].startswith("breakpoint 1\nstep 6")
    assert said["reverse-next"].startswith("step 5") and "step 11  0xc" in said["until *12"]
    assert "callers: gdb unwinds" in said["backtrace"]
    assert "<once>" in said["advance once"]
    assert said["display/x $a0"] == "1: $a0 = 0x8"
    assert "breakpoint 1" in said["run"]
    assert re.search(r"write result +x10 +cpu", said["head write result of $a0"])
    assert "rwatch *508" in said["info watchpoints"] and "awatch mem" in said["info watchpoints"]
    assert "a0" in said["info registers a0"] and "once" in said["info symbols once"]


@pytest.mark.slow
def test_matrices_and_workers() -> None:
    machine, program = fleq()
    said = answers(transcript(machine, program, lines(ABOUT_MATRICES), DenseEngine(machine)))
    assert said["print A"] == "A =\n  1  2.5\n  3  -4"
    assert said["print s"] == "s = 0.25" and said["print *s"] == "*s = 1.75"
    assert said["print/x *s"] == "*s = 0x1c000"
    assert said["print *s * 2 == 3.5 && *s > 1.7"].endswith(" = 1")
    assert said["print/d *s"] == "*s = 16384" and said["display *s"] == "1: *s = 0.25"
    assert said["x/2 A"].endswith(": 2.5") and "add" in said["x/2i 0"]
    assert said["print C"] == "C =\n  6   8.5\n  10  4"
    assert "this instruction takes" in said["loop 2"] or "loop 2 of" in said["loop 2"]
    assert "worker 1 of 2" in said["worker 1"] and "cpu 1" in said["head x"]
    assert "has halted" in said["loop"] and said["output"].startswith("6 8.5")


def test_output_does_not_share_a_line() -> None:
    program = image(ECHO)
    machine, engine = compiled("subleq", 8, MEMORY), an_engine("subleq", 8, "lifted")
    text = transcript(machine, program, ["watch *left", "c", "c"], engine)
    assert "\nab\nwatchpoint 1: *left\n  old value 3\n  new value 2\n" in text


def test_every_command_is_executed_by_a_test() -> None:
    pages = "\n".join(text for _, text in sessions(PAGE.read_text()))
    typed = re.findall(rf"^{re.escape(PROMPT)}([\w-]+)", pages, re.MULTILINE)
    typed += [line.split("/")[0].split()[0] for line in lines(CALLING + ABOUT_MATRICES)]
    assert {each.name for each in COMMANDS} - {*typed} == set()


@pytest.fixture(scope="module")
def adding() -> Console:
    """A console on ECHO."""
    machine, engine = compiled("subleq", 8, MEMORY), an_engine("subleq", 8, "lifted")
    return console(machine, image(ECHO), engine)[0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("brake loop", "no command named `brake`"),
        ("un", "`un` is short for until, undisplay"),
        ("print", "print which expression?"),
        ("print/q 1", "no format `q`"),
        ("print 1 +", "not an expression"),
        ("break nowhere", "no symbol named `nowhere`"),
        ("break 99999", "no code comes from line 99999"),
        ("watch", "watch which expression?"),
        ("delete 7", "no breakpoint or watchpoint has the number 7"),
        ("delete x", "`x` is not a list of numbers"),
        ("undisplay 3", "no display has the number 3"),
        ("finish", "subleq has no calls and no returns"),
        ("reverse-finish", "subleq has no calls and no returns"),
        ("until", "until which place?"),
        ("goto", "to which step?"),
        ("goto -1", "steps count from 0"),
        ("set 5", "set what to what?"),
        ("set loop = 5", "`loop` names no word of memory"),
        ("set *loop = 256", "256 does not fit a word of memory"),
        ("rwatch", "watch which word?"),
        ("awatch loop", "`loop` names no word of memory"),
        ("x 1.5", "this is 1.5, not a whole number"),
        ("set $nothing = 5", "no register named `$nothing`"),
        ("info", "info about what?"),
        ("help brake", "no command named `brake`"),
        ("loop 2", "this instruction takes 1 loop"),
        ("loop 0", "loops count from 1"),
        ("block 9", "which block?"),
        ("block", "which block?"),
        ("head", "which head?"),
        ("head nobody", "no head is named 'nobody'"),
        ("head a of 200", "outside memory"),
        ("group", "which group?"),
        ("group nobody", "no group is named 'nobody'"),
        ("lane", "which lane?"),
        ("lane 9999", "there is no lane 9999"),
        ("lane nothing", "no word is named 'nothing'"),
        ("worker 1", "there is no worker 1"),
    ],
)
def test_errors(adding: Console, line: str, message: str) -> None:
    said: list[str] = []
    adding.screen.say = said.append
    place = adding.screen.debugger.timeline.steps
    assert not adding.execute(line)
    assert message in "\n".join(said)
    assert adding.screen.debugger.timeline.steps == place


@examples(2)
@given(
    st.sampled_from([name for each in COMMANDS for name in (each.name, *each.short)]),
    st.text(alphabet="/x01 *$#-.[]()=,loopifcv\u00e9", max_size=8),
)
def test_no_line_is_a_traceback(adding: Console, name: str, rest: str) -> None:
    adding.screen.say = lambda text: None
    adding.execute(f"{name} {rest}")


def test_completion(adding: Console) -> None:
    assert {"reverse-step", "reverse-next"} <= set(adding.completions("reverse-"))
    assert "loop" in set(adding.completions("break l")) and "$pc" in set(adding.completions("p $"))
