"""What every test shares: how many examples and which seeds, and machines compiled once.

| profile | by              | examples    | random numbers                                      |
|---------|-----------------|-------------|-----------------------------------------------------|
| fixed   | `make test`     | few         | the same in every run                               |
| fresh   | `make test-all` | four times  | of a seed that is new in every run, told on failure |

`pytest --hypothesis-profile=fresh --hypothesis-seed=N` takes a seed as it was.
"""

from __future__ import annotations

import functools
import os
import random
import signal
from collections.abc import Callable, Generator, Iterator

import pytest
from hypothesis import Phase, settings
from hypothesis.internal.conjecture import providers

from looped import registry
from looped.artefact.plan import CompiledMachine
from looped.passes.emit import compile_circuit
from looped.precision import FLOAT32
from tests import seeds

os.environ["LOOPED_CHECK"] = "1"  # each pass of the compiler checks what it leaves
os.environ["LOOPED_CACHE"] = ""  # nothing that another run has made; tests of the cache turn it on
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a background job of a shell
    signal.signal(signal.SIGINT, signal.default_int_handler)  # processes that tests start heed it

# hypothesis draws constants of all modules that are imported: what a seed means would depend on the
# tests that ran before
_NO_CONSTANTS = providers._local_constants
providers._get_local_constants = lambda: _NO_CONSTANTS  # type: ignore[assignment]

_EXAMPLES = {"fixed": 50, "fresh": 200}

settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=_EXAMPLES["fixed"])
settings.register_profile(
    "fresh", deadline=None, derandomize=False, max_examples=_EXAMPLES["fresh"], print_blob=True
)
settings.load_profile("fixed")


def examples(share: float, shrink: bool = True) -> settings:
    """So much of the examples that a property has by default, at least one: `@examples(0.2)`.

    Without `shrink` the first example that fails is told as it is, where each one takes long.
    """
    phases = [p for p in settings.default.phases if shrink or p not in (Phase.shrink, Phase.reuse)]
    most = max(1, round(share * settings.default.max_examples))
    return settings(max_examples=most, phases=phases)


@functools.cache
def compiled(name: str, width: int, memory: int, **parameters: int) -> CompiledMachine:
    """A universal machine, compiled at most once a session."""
    circuit = registry.machine(name).circuit(width, memory, None, FLOAT32, **parameters)
    return compile_circuit(circuit)


@pytest.fixture(scope="session")
def machine() -> Callable[[str, int, int], CompiledMachine]:
    """`machine(name, width, memory)`: a universal machine, at hand."""
    return compiled


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache for the tests of a file: what one of this run's files has compiled and lifted, it
    need not. For tests that break neither weights nor passes."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOPED_CACHE", str(shared / "kept"))
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes rendered texts anew instead of comparing them."""
    parser.addoption("--update-golden", action="store_true", help="write golden texts anew")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose a seed for a fresh run; processes of one run have one seed."""
    if _is_fresh(config):
        if config.option.hypothesis_seed is None:
            config.option.hypothesis_seed = str(random.SystemRandom().randrange(1 << 32))
        seeds.begin(config.option.hypothesis_seed)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell of a test that fails in a fresh run by which command it fails again."""
    report = yield
    if report.failed and _is_fresh(item.config):
        seed = item.config.option.hypothesis_seed
        options = f"--hypothesis-profile=fresh --hypothesis-seed={seed}"
        report.sections.append(("Again by", f"pytest '{item.nodeid}' {options}"))
    return report


def _is_fresh(config: pytest.Config) -> bool:
    return bool(config.getoption("--hypothesis-profile") == "fresh")
