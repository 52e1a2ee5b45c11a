"""What a search finds in a stretch, against the machine at each place of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.artefact.embedding import read_word
from looped.debug import mover
from looped.debug.expressions import parse
from looped.debug.search import Search
from looped.debug.stops import Breakpoint
from looped.debug.stretch import Stretch, Unseen
from tests.conftest import examples
from tests.debug.sessions import ADDER, CALLS, debugger, image
from tests.debug.test_debugger import DATA, history

COUNTDOWN = """
.machine subleq
.width 8
loop:   dec  left
        jgt  left, loop
        halt
left:   .word 7
"""
"""Has one place where a condition on `*left` holds, and comes there again and again."""

EXPRESSIONS = {
    ADDER: ["*sum", "*count", "*(sum + *count % 2)", "*sum < -10", "$pc", "7"],
    CALLS: ["mem[256]", "$a0", "*($sp - 4) + $a0", "$ra", "$sp == 512"],
}


@pytest.mark.parametrize("text", EXPRESSIONS)
@examples(0.2)
@given(data=st.data())
def test_a_search_finds_what_single_steps_find(text: str, data: st.DataObject) -> None:
    watched = data.draw(st.sampled_from(EXPRESSIONS[text]))
    places = history(text, watched)
    pcs, values, depths = zip(*places, strict=True)
    begin = data.draw(st.integers(0, len(places) - 3))
    wanted = data.draw(st.sampled_from(values))
    condition = f"({watched}) == {wanted}"
    run, expression, holds = debugger(text, DATA, "lifted"), parse(watched), parse(condition)
    run.timeline.go_to(begin)
    plan = run.timeline.machine.plan
    known = dict(enumerate(read_word(run.timeline.computer.state()[0][:, plan.words["value"]])))
    counts = []

    def look(search: Search) -> None:
        count = search.stretch.count
        counts.append(count)
        now = list(values[begin : begin + count])
        changed = [n for n in range(1, count) if now[n] != now[0]]
        assert search.first_change(expression, now[0], count) == min(changed, default=count)
        before = [n for n in range(count) if now[n] != now[-1]]
        assert search.last_change(expression, now[-1]) == max(before, default=-1)
        for pc in {*pcs}:
            for meaning in (None, (condition, holds)):
                breakpoint = Breakpoint(1, pc, meaning)
                hits = [
                    n
                    for n in range(count)
                    if pcs[begin + n] == pc and (meaning is None or now[n] == wanted)
                ]
                first = min((n for n in hits if n), default=count)
                assert search.first_hit([breakpoint], count) == first
                assert search.last_hit([breakpoint]) == max(hits, default=-1)
        deeper = [depths[begin + n + 1] - depths[begin + n] for n in range(count)]
        assert search.flows().tolist() == deeper

    def seen(stretch: Stretch) -> int:
        look(Search(image(text), stretch, run.timeline.port, known))
        return 1

    while run.timeline.steps == begin:  # a loop that waits for input is no instruction
        run.timeline.scan(100, seen)
    assert counts and run.timeline.steps == begin + 1
    assert parse(watched)(run.words) == values[begin + 1], "it has come back to the place"


def test_a_word_that_nobody_has_read_before_the_stretch_is_unseen() -> None:
    run = debugger(CALLS, engine="lifted")
    expression = parse("mem[256]")

    def seen(stretch: Stretch) -> int:
        search = Search(run.image, stretch, run.timeline.port, {})
        return search.first_change(expression, 0, search.stretch.count)

    with pytest.raises(Unseen) as missing:
        run.timeline.scan(100, seen)
    assert missing.value.column == 64 and run.timeline.steps == 0


@pytest.mark.parametrize("left", range(7))
def test_no_place_is_skipped_after_a_condition_that_does_not_hold(left: int) -> None:
    run, condition = debugger(COUNTDOWN), f"*left == {left + 1}"
    run.add_breakpoint(run.image.symbols["loop"], (condition, parse(condition)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mover, "_SINGLE", 0)
        patch.setattr(mover, "_FIRST", 1000)
        run.step()  # here no breakpoint is looked for
        stop = run.resume()
        assert bool(stop.breakpoints) == (left < 6) and stop.halted == (left == 6)
        assert left == 6 or parse("*left")(run.words) == left + 1
        run.timeline.go_to(10_000)
        assert run.reverse_resume().breakpoints and parse("*left")(run.words) == left + 1
