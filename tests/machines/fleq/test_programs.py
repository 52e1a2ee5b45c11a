"""Programs of the project on the machine learn the same weights as on the reference."""

from __future__ import annotations

import re

import numpy as np
import pytest

from looped.artefact.embedding import embed, memory_words
from looped.engines.engine import NO_LANES, Watch
from looped.engines.lifted import LiftedEngine
from looped.errors import Source
from tests.machines.fleq.stepping import Setting, fleq, reference
from tests.programs.fleq import assemble, source


def silent(name: str) -> str:
    """A program that prints nothing."""
    lines = source(name).splitlines()
    return "\n".join(line for line in lines if not re.search(r"\bprint\b", line.split(";")[0]))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "instructions"), [("regression", 602), ("sgd", 1952)])
def test_gradient_descent_in_weights(name: str, instructions: int) -> None:
    """The same words in memory as on the reference, so the same weights are learned."""
    image = assemble(Source(f"{name}.fleq", silent(name)))
    setting = Setting(8)
    machine, plain = fleq(setting), reference(image.words, setting)
    plan, engine = machine.plan, LiftedEngine(machine)
    engine.load(embed(plain.memory, plan)[None])
    busy = np.array(plan.words["busy"])
    done = 0
    while not plain.halted:
        plain.step()
        while engine.advance(1, Watch(plan.cpu, NO_LANES, busy)) == 0:
            pass
        done += 1
    assert (done, plain.trap) == (instructions, 0)
    assert memory_words(engine.state(), plan)[0].tolist() == plain.memory
