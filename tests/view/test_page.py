"""Pages in a real browser: they load, step and jump, and show the state of the reference."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import looped.view.collect
from looped import api, registry
from looped.errors import Source
from looped.image import Image, Regions
from looped.view.collect import collect
from looped.view.page import page
from tests import seeds
from tests.programs.headers import (
    FOLDER,
    Program,
    c_programs,
    extended_programs,
    fleq_programs,
    programs,
    riscv_programs,
)
from tests.view import browser as browsers
from tests.view.browser import Browser
from tests.view.runs import Seen, followed, seen

pytestmark = pytest.mark.skipif(browsers.missing() is not None, reason=str(browsers.missing()))

COMPILER = "riscv64-unknown-elf-gcc"

STEPS = 400
"""Instructions of a program."""

PLACES = 20
"""Random instructions of a run whose state is compared."""

MOST_SECONDS = 2.0
"""Until a page is open."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all pages."""
    with browsers.browser() as found:
        yield found


def opened(chromium: Browser, folder: Path, found: Seen, name: str, link: str = "") -> None:
    path = folder / "page.html"
    path.write_bytes(page(found.run, name))
    chromium.open(path, link)


def check_states(chromium: Browser, found: Seen) -> None:
    """Compare what the page shows at random instructions with the reference."""
    states, length = followed(found), len(found.run.instructions)
    draw = seeds.rng(str(length))
    for step in [0, length, *(draw.randint(0, length) for _ in range(PLACES))]:
        chromium.go(step=step, cpu=0)
        shown = chromium.value("window.looped.state()")
        assert (shown["words"], shown["cpu"]) == (states[step].words, states[step].cpu)
        assert shown["step"] == step
        if step < length:
            pc = found.run.code[found.run.instructions[step].code][0]
            assert pc == shown["cpu"]["pc"] == states[step].cpu["pc"]
        assert chromium.value(HIDDEN) == 0
        for column, text in chromium.value(CELLS):
            word = states[step].words[int(column)]
            assert (
                int(text, 16 if found.image.addresses_per_word > 1 else 10)
                % (1 << found.image.width)
                == word
            )


CELLS = (
    "[...document.querySelectorAll('#memory .cell')]"
    ".map((cell) => [cell.dataset.column, cell.textContent])"
)


HIDDEN = (
    "((panel) => [...panel.querySelectorAll('.writes')].slice(0, 1).filter((cell) =>"
    " cell.offsetTop < panel.scrollTop"
    " || cell.offsetTop + cell.offsetHeight > panel.scrollTop + panel.clientHeight).length)"
    "(document.querySelector('#registers .scroll'))"
)
"""How many registers that the instruction writes are out of sight, of the first one."""


@pytest.mark.parametrize("name", ["subleq/multiply.sasm", "rv32i/gcd.s"])
def test_a_page_shows_the_state_of_the_reference(
    chromium: Browser, tmp_path: Path, name: str
) -> None:
    found = seen(name, 120, engine="event")
    opened(chromium, tmp_path, found, name)
    check_states(chromium, found)
    assert chromium.errors() == []


@pytest.mark.slow
def test_a_page_of_a_machine_with_workers_shows_each_of_them(
    chromium: Browser, tmp_path: Path
) -> None:
    found = seen("fleq/calculator.fleq", 4, workers=2, side=2)
    opened(chromium, tmp_path, found, "calculator.fleq", "#step=1&worker=1&block=1")
    assert chromium.value("window.looped.state().loops") > 1
    assert "cpu 1 →" in chromium.text("#heads")
    check_states(chromium, found)
    chromium.go(step=1, loop=0, phase=0, cpu=1)
    chromium.keys(".")
    assert "loop 2 of" in chromium.text("#status")
    assert chromium.driver.current_url.endswith("#step=1&loop=2&block=1&worker=1")
    assert chromium.errors() == []


def test_keys_links_and_searches_move(chromium: Browser, tmp_path: Path) -> None:
    found = seen("subleq/multiply.sasm", 120)
    opened(chromium, tmp_path, found, "multiply.sasm", "#step=42&block=1")
    assert "instruction 42 of 120, block 1 attention" in chromium.text("#status")
    assert chromium.text("#attention h2") == "Attention, block 1"
    chromium.keys("m")
    assert chromium.driver.current_url.endswith("#step=42&block=1&part=mlp")
    chromium.value("document.querySelector('#next').click()")
    chromium.go()
    assert chromium.value("window.looped.state().step") == 43
    chromium.value(
        "(document.querySelector('#write').value = 'product', "
        "document.querySelector('#write-form').requestSubmit())"
    )
    chromium.go()
    step = chromium.value("window.looped.state().step")
    product = found.image.symbols["product"]
    written = [n for n, each in enumerate(found.run.instructions) if product in dict(each.writes)]
    assert step == next(n for n in written if n > 43)
    chromium.value(
        "(document.querySelector('#line').value = '15', "
        "document.querySelector('#line-form').requestSubmit())"
    )
    chromium.go()
    assert chromium.text("#source [aria-current] .gutter") == "15"
    assert chromium.errors() == []


HIGH = 0x80000000


def linked(code: str, *bases: int) -> Seen:
    """The run of a program whose code lies in the last of these regions."""
    program = registry.assemble(Source("program.s", f".machine rv32i\n{code}"))
    words = [0] * (len(bases) * len(program.words))
    words[len(bases) - 1 :: len(bases)] = program.words
    labels = {name: bases[-1] + at for name, at in program.symbols.items()}
    image = Image("rv32i", 32, tuple(words), labels, (), bases[-1], 4, Regions(bases), linked=True)
    machine = api.compile(image, 64)
    return Seen(machine, image, b"", collect(machine, image, api.choose_engine(machine, "dense")))


STORES = """
        auipc t0, 0
        lui   t1, 1
        sw    t1, 32(t0)
here:   sw    t0, {place}(t1)
        ebreak
"""


@pytest.mark.parametrize(
    ("bases", "place", "written"),
    [((HIGH,), "36", []), ((0x1000, HIGH), "4", ["0x1004"])],
    ids=["one region", "two regions"],
)
def test_memory_is_shown_by_the_addresses_that_it_has(
    chromium: Browser, tmp_path: Path, bases: tuple[int, ...], place: str, written: list[str]
) -> None:
    """In the first case the second store traps: there is no such address."""
    found = linked(STORES.format(place=place), *bases)
    opened(chromium, tmp_path, found, "program")
    check_states(chromium, found)
    assert chromium.text("#memory .address") == f"{bases[0]:#x}"
    chromium.go(step=3)
    assert f"pc {HIGH + 12:#x}" in chromium.text("#status")
    assert "here" in chromium.text("#code [aria-current]")
    for number, address in enumerate([f"{HIGH + 32:#x}", *written]):
        chromium.go(step=0, phase=6)
        chromium.value(
            f"(document.querySelector('#write').value = '{address}', "
            "document.querySelector('#write-form').requestSubmit())"
        )
        chromium.go()
        assert chromium.value("window.looped.state().step") == 2 + number
        assert f"mem[{address}]" in chromium.text("#heads")
        cell = "document.querySelector('#memory .writes')"
        assert chromium.value(f"{cell}.title").startswith(f"mem[{address}], becomes")
    assert chromium.errors() == []


@pytest.mark.slow
def test_a_page_can_end_within_an_instruction(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looped.view.collect, "MOST_LOOPS", 7)
    found = seen("fleq/calculator.fleq", 5_000, side=2)
    run = found.run
    assert (run.loops, run.ended) == (7, "loops") and run.unfinished is not None
    assert run.unfinished.loop < 7
    opened(chromium, tmp_path, found, "calculator.fleq", "#step=9999&loop=9999&block=1")
    said = chromium.text("#status")
    shown = 7 - run.unfinished.loop
    assert f"loop {shown} of {shown} and more, for which this page is too short" in said
    assert f"pc {run.code[run.unfinished.code][0]}: " in said
    check_states(chromium, found)
    assert chromium.errors() == []


def test_a_program_that_is_longer_than_the_page_is_announced(
    chromium: Browser, tmp_path: Path
) -> None:
    opened(chromium, tmp_path, seen("subleq/multiply.sasm", 120), "multiply.sasm", "#step=120")
    assert "the program is longer than this page" in chromium.text("#status")
    opened(chromium, tmp_path, seen("subleq/multiply.sasm"), "multiply.sasm", "#step=9999")
    assert "after 211 instructions: the program has halted" in chromium.text("#status")
    assert chromium.text("#output pre") == "*" * 42 + "\n"


def test_nothing_overlaps_the_edge_of_a_projector(chromium: Browser, tmp_path: Path) -> None:
    opened(
        chromium, tmp_path, seen("rv32i/gcd.s", 120, engine="event"), "gcd.s", "#step=40&block=4"
    )
    root = "document.documentElement"
    size = chromium.value(f"[{root}.scrollWidth, {root}.scrollHeight]")
    assert size == [browsers.WIDTH, browsers.HEIGHT]


EVERY = [*programs(), *riscv_programs(), *extended_programs(), *fleq_programs()]


WORKERS = 4
"""Of FLEQ, where one instruction takes a loop and more for each element of a matrix."""

FEW_LOOPS = 200
"""After which a run of FLEQ ends; a loop takes some 10 ms of a processor."""


def check_program(chromium: Browser, folder: Path, found: Seen, name: str) -> None:
    opened(chromium, folder, found, name)
    check_states(chromium, found)
    assert chromium.errors() == []


@pytest.mark.slow
@pytest.mark.parametrize("program", EVERY, ids=lambda program: program.path.name)
def test_every_program(
    chromium: Browser, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = WORKERS if program.path.suffix == ".fleq" else 1
    if workers > 1:
        monkeypatch.setattr(looped.view.collect, "MOST_LOOPS", FEW_LOOPS)
    found = seen(str(program.path), STEPS, program.input, workers, "lifted")
    check_program(chromium, tmp_path, found, program.path.name)


if shutil.which(COMPILER):

    @pytest.fixture(scope="module")
    def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The folder with the ELF files of all C programs."""
        folder = tmp_path_factory.mktemp("c")
        make = ["make", "-s", "-C", str(FOLDER.parent), "programs-c", f"C_BUILD={folder}"]
        subprocess.run(make, check=True)
        return folder

    @pytest.mark.slow
    @pytest.mark.parametrize("program", c_programs(), ids=lambda program: program.path.name)
    def test_every_program_in_c(
        chromium: Browser, tmp_path: Path, program: Program, built: Path
    ) -> None:
        name = f"{program.path.stem}.elf"
        found = seen(str(built / name), STEPS, program.input, engine="lifted")
        check_program(chromium, tmp_path, found, name)


@pytest.mark.slow
def test_five_thousand_instructions_are_small_and_open_at_once(
    chromium: Browser, tmp_path: Path
) -> None:
    name = "rv32i/sieve.s"
    found = seen(name, engine="auto")
    assert len(found.run.instructions) == 5_000
    assert len(page(found.run, name)) < 3_000_000
    began = time.monotonic()
    opened(chromium, tmp_path, found, name)
    assert time.monotonic() - began < MOST_SECONDS
