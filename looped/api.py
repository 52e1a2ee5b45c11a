"""assemble, compile, run, verify: from source text to a verified run in four calls.

image = looped.assemble("programs/subleq/sieve.sasm")
machine = looped.compile(image)
print(looped.run(machine, image).output)
print(looped.verify(machine, image))
"""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from looped import registry
from looped.artefact.architecture import PLAIN, Architecture
from looped.artefact.plan import CompiledMachine, Plan
from looped.engines.auto import ENGINES, AutoEngine
from looped.engines.engine import Engine
from looped.environment import USUAL, Environment
from looped.errors import CertificateError, CompileError
from looped.image import Image, Regions
from looped.image.elf import is_elf
from looped.image.formats import is_image, load_image
from looped.passes.variants import in_architecture
from looped.precision import precision
from looped.registry import DEFAULT_MACHINE
from looped.registry.baked import baked, read_code
from looped.registry.compiled import compiled
from looped.registry.definition import largest_memory
from looped.verify.numeric_faults import numeric_faults

if TYPE_CHECKING:
    from looped.trace import Trace
    from looped.verify.certificate import Certificate
    from looped.verify.lockstep import Agreement
    from looped.verify.translation import Translation

__all__ = [
    "DEFAULT_MACHINE",
    "DEFAULT_MEMORY",
    "ENGINES",
    "assemble",
    "certify",
    "choose_engine",
    "compile",
    "compile_machine",
    "default_memory",
    "run",
    "smallest_memory",
    "translate",
    "usual_memory",
    "verify",
]

DEFAULT_MEMORY = 1024

_NONE: Mapping[str, int] = {}


def assemble(
    path: str | os.PathLike[str],
    machine: str | None = None,
    width: int | None = None,
    parameters: Mapping[str, int] = _NONE,
) -> Image:
    """The image in a file: assembly source, ELF, or numbers, as in a .dec, .hex or .bin file.

    `machine`, `width` and `parameters` override those of the source. Raises SourceError, FileError,
    and CompileError for an unknown machine, for a machine that runs no ELF files, and for
    parameters that the machine does not have.
    """
    path = Path(path)
    if machine is not None:
        registry.machine(machine)
    if is_elf(path):
        image = registry.load_elf_program(path, machine)
        if width not in (None, image.width):
            raise CompileError(f"{path} is a program for {image.machine}, {image.width} bits")
        return _with_parameters(image, parameters)
    if is_image(path):
        described = registry.machine(DEFAULT_MACHINE if machine is None else machine)
        language = described.language
        width = language.width if width is None else width
        described.check_width(width)
        image = load_image(path, language.name, width, language.addresses_per_word)
        return _with_parameters(image, parameters)
    return registry.assemble_file(path, width=width, machine=machine, parameters=parameters)


def _with_parameters(image: Image, parameters: Mapping[str, int]) -> Image:
    """The image of a program that needs these parameters."""
    registry.machine(image.machine).settled(image.width, parameters)
    regions = image.regions.parameters if image.addresses_per_word > 1 else {}
    for name in regions.keys() & parameters.keys():
        if image.linked and parameters[name] != regions[name]:
            raise CompileError(f"the program is linked for a {name} of {regions[name]:#x}")
    if regions.keys() & parameters.keys():
        moved = Regions.of({**regions, **parameters})
        entry = image.entry - image.regions.bases[0] + moved.bases[0]
        image = dataclasses.replace(image, regions=moved, entry=entry)
        parameters = {name: v for name, v in parameters.items() if name not in regions}
    named = {f"{image.machine}.{name}": value for name, value in parameters.items()}
    constants = image.constants | named.keys()
    return dataclasses.replace(image, symbols={**image.symbols, **named}, constants=constants)


def compile(
    image: Image,
    memory: int | None = None,
    *,
    bake: bool = False,
    dtype: str = "float32",
    note: Callable[[str], None] = lambda text: None,
    beta: float | None = None,
    architecture: Architecture = PLAIN,
) -> CompiledMachine:
    """The weights of a machine that can run an image.

    The machine has the parameters that the program needs, others have their defaults. `memory` is
    the number of words, by default the smallest that holds the image. With `bake` the
    weights contain the instructions reachable from the entry, and memory holds only data; with
    positions in a directed graph the control-flow graph is the program counter (SUBLEQ). In
    `dtype` all sums are exact. `note` gets a line if that takes a while. `beta` is the inverse
    temperature of all heads; by default the softmax of each underflows. Raises CompileError.
    """
    memory = smallest_memory(image) if memory is None else memory
    if len(image.words) > largest_memory(image.width):
        most = f"{largest_memory(image.width)} is the maximum for {image.width} bits"
        raise CompileError(f"the program has {len(image.words)} words, but {most}")
    machine, needed = registry.machine(image.machine), _needed_parameters(image)
    machine.check(image.width, memory, **needed)
    image.padded(memory)
    form = precision(dtype)
    if not bake:
        given = machine, image.width, memory, form, needed, note, beta, architecture.undoes
        return in_architecture(compiled(*given), architecture)
    return baked(machine, image, memory, form, needed, beta, architecture)


def compile_machine(
    name: str = DEFAULT_MACHINE,
    width: int | None = None,
    memory: int | None = None,
    dtype: str = "float32",
    parameters: Mapping[str, int] = _NONE,
    beta: float | None = None,
    architecture: Architecture = PLAIN,
) -> CompiledMachine:
    """The weights of a universal machine that is exact in `dtype`; by default of its usual width.

    `memory` is the number of words, by default DEFAULT_MEMORY or the most that `width` allows.
    `parameters` that are missing have their defaults; `beta` is as in `compile`. Raises
    CompileError.
    """
    described = registry.machine(name)
    width = described.language.width if width is None else width
    memory = default_memory(name, width) if memory is None else memory
    given = described, width, memory, precision(dtype), parameters
    plain = compiled(*given, beta=beta, undo=architecture.undoes)
    return in_architecture(plain, architecture)


def default_memory(name: str, width: int) -> int:
    """The words of memory of a machine without a program: DEFAULT_MEMORY, or the largest memory."""
    if width not in registry.machine(name).widths:
        return DEFAULT_MEMORY
    return min(DEFAULT_MEMORY, largest_memory(width))


def choose_engine(
    machine: CompiledMachine,
    name: str = "auto",
    dtype: str = "float32",
    device: str = "cpu",
    report: Callable[[str], None] = lambda text: None,
    uncertified: bool = False,
) -> Engine:
    """The engine of that name in ENGINES, or `auto`, which reports its choice and why to `report`.

    Checks that sums, softmax and norm of the machine are exact in the dtype. Raises
    CertificateError if they are not, unless `uncertified` is set: then `auto` means `dense`, the
    only engine that rounds as the dtype does. Raises CompileError if the engine refuses the model,
    the dtype or the device, or if `uncertified` is set and the engine is not `dense`.
    """
    if uncertified and name not in ("auto", "dense"):
        raise CompileError(
            f"the {name} engine runs only what is exact", hint="--uncertified is for --engine dense"
        )
    architecture = machine.plan.architecture
    if uncertified:
        name = "dense"
    elif not architecture.is_stock:
        if name not in ("auto", "dense"):
            machine.plan.architecture.check_plain(f"the {name} engine")
        report(f"engine: dense; no proof covers {architecture.options}: every lane is checked")
        return ENGINES["dense"](machine, dtype, device, False)
    else:
        faults = numeric_faults(machine, dtype)
        if faults:
            remedy = (
                f"--dtype {dtype}" if dtype != machine.plan.dtype else "a higher --beta or --snap"
            )
            raise CertificateError(
                f"the machine is not certified in {dtype}: {faults[0]}",
                hint=f"compile it with {remedy}, or run it with --uncertified",
            )
    # The dtype is checked above. An engine would accept only the dtype of the plan.
    if name == "auto":
        return AutoEngine(machine, dtype, device, report, uncertified=True)
    report(f"engine: {name}")
    return ENGINES[name](machine, dtype, device, True)


def usual_memory(image: Image) -> int:
    """The words of memory of a program without a choice: room for a heap and a stack on machines
    whose programs expect that, else the smallest memory that holds the image."""
    machine = registry.machine(image.machine)
    parameters = machine.settled(image.width, _needed_parameters(image))
    most = min(largest_memory(image.width), machine.most_memory(**parameters))
    wanted = len(image.words) + machine.room(image)
    return max(smallest_memory(image), min(most, 1 << (wanted - 1).bit_length()))


def smallest_memory(image: Image) -> int:
    """The smallest memory, in words, that holds an image and that its machine can have."""
    machine = registry.machine(image.machine)
    parameters = machine.settled(image.width, _needed_parameters(image))
    least = machine.least_memory(**parameters)
    return max(least, 1 << (len(image.words) - 1).bit_length())


def _needed_parameters(image: Image) -> dict[str, int]:
    """The parameters of its machine that a program needs."""
    needed = {p.name: image.parameter(p.name) for p in registry.machine(image.machine).parameters}
    return {name: value for name, value in needed.items() if value is not None}


def run(
    machine: CompiledMachine,
    image: Image,
    data: bytes = b"",
    steps: int | None = None,
    engine: Engine | None = None,
) -> Trace:
    """Run a program on the transformer until it halts, or for at most `steps` instructions.

    The default engine is the fastest one that accepts the model. A step lists what the instruction
    reads and writes, then what the host sets while it serves a trap. The values come from the
    residual stream, at the columns that the instruction accesses or changes. So the cost of a step
    does not depend on the size of memory.
    """
    from looped.run.session import Session
    from looped.trace import Trace

    session = Session(machine, image, engine or choose_engine(machine), data)
    return Trace(tuple(session.walk(steps)), session.computer.halted())


def verify(
    machine: CompiledMachine,
    image: Image,
    data: bytes = b"",
    steps: int | None = None,
    engine: Engine | None = None,
    progress: Callable[[int], None] = lambda done: None,
    note: Callable[[str], None] = lambda text: None,
    environment: Environment = USUAL,
) -> Agreement:
    """Compare a run with the reference, every lane after every loop. Raises Mismatch.

    The default engine is `dense`, the definition. For a lifted engine this first proves that its
    code equals the weights, if that takes about a second; if not, `note` gets a line that says so.
    Raises WrongLift if the proof fails.
    """
    from looped.verify.lockstep import lockstep
    from looped.verify.translation import prove_small_lifts

    engine = engine or choose_engine(machine, "dense")
    prove_small_lifts(engine, note)
    return lockstep(machine, engine, [image], [data], steps, progress, environment)


def certify(
    machine: CompiledMachine,
    image: Image | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Certificate:
    """Prove from the weights what a machine computes, and in which dtypes it is exact.

    A baked machine needs its program in `image`: the proof shows that the weights contain it.
    Raises CompileError for an unknown machine, CertificateError if the program of a baked machine
    is missing or is another one.
    """
    from looped.verify.certificate import certify as certify_circuit

    plan = machine.plan
    described = registry.machine(plan.machine)
    code = None
    if plan.baked:
        if image is None:
            raise CertificateError("a baked machine is certified together with its program")
        code = read_code(described, image, plan.memory, plan.architecture)
        if (tuple(sorted(code.addresses)), image.entry) != (plan.code, plan.entry):
            raise CertificateError("the machine is baked for another program")
    form = precision(plan.dtype)
    circuit = described.circuit(plan.width, plan.memory, code, form, **plan.parameters)
    addresses = None if code is None else code.addresses
    return certify_circuit(machine, circuit, progress, addresses)


def translate(
    machine: CompiledMachine, image: Image | None = None, dtype: str = "float32"
) -> Translation:
    """Prove that the code of the lifted engine equals the weights from which the engine makes it.

    The proof covers the code with which a run of the image begins; without an image, the code for
    a memory of random words. Raises CertificateError if the settings of PyTorch are not exact.
    """
    from looped.engines.lifted import LiftedEngine
    from looped.run.computer import Computer
    from looped.verify.translation import Translation, translation

    found: list[Translation] = []
    words = _any_words(machine.plan) if image is None else image.words
    host, entry = (None, 0) if image is None else (registry.host_for(image, b""), image.entry)
    try:
        engine = LiftedEngine(
            machine, dtype, check=lambda model, code: found.append(translation(model, code))
        )
        Computer(machine.plan, engine, [words], [b""], [entry], [host])
        engine.prepare()
    except CompileError as error:
        return Translation(0, 0, 0, 0.0, f"the weights cannot be lifted: {error}")
    if not found:
        return Translation(0, 0, 0, 0.0, "nothing was lifted")
    return found[0]


def _any_words(plan: Plan) -> list[int]:
    """A memory of random words, the same in every call."""
    rng = random.Random(0)
    return [rng.getrandbits(plan.width) for _ in range(plan.memory)]
