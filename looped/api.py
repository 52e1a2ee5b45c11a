"""assemble, compile, run, verify: the whole way in four calls.

image = looped.assemble("programs/subleq/sieve.sasm")
machine = looped.compile(image)
print(looped.run(machine, image).output)
print(looped.verify(machine, image))
"""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Callable
from pathlib import Path

from looped import registry
from looped.artefact.plan import CompiledMachine, Plan
from looped.engines.auto import ENGINES, AutoEngine
from looped.engines.engine import Engine
from looped.engines.lifted import LiftedEngine
from looped.errors import CertificateError, CompileError
from looped.image import Image
from looped.image.elf import is_elf
from looped.image.formats import FORMATS, load_image
from looped.passes.emit import compile_circuit
from looped.precision import precision
from looped.registry import DEFAULT_MACHINE
from looped.registry.definition import MINIMUM_MEMORY, largest_memory
from looped.run.computer import Computer
from looped.run.session import Session
from looped.trace import Trace
from looped.verify.certificate import Certificate, numeric_verdict
from looped.verify.certificate import certify as certify_circuit
from looped.verify.lockstep import Verdict, lockstep
from looped.verify.translation import Translation, prove_small_lifts, translation

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
    "verify",
]

DEFAULT_MEMORY = 1024


def assemble(
    path: str | os.PathLike[str], machine: str | None = None, width: int | None = None
) -> Image:
    """The image in a file: assembly source, an ELF file, or numbers if it is a .dec, .hex or .bin.

    `machine` and `width` override the source's. Raises SourceError, FileError, and CompileError for
    an unknown machine, or one that runs no ELF files.
    """
    path = Path(path)
    if machine is not None:
        registry.machine(machine)
    if is_elf(path):
        image = registry.load_elf_program(path, machine)
        if width not in (None, image.width):
            raise CompileError(f"{path} is a program for {image.machine}, {image.width} bits")
        return image
    if path.suffix.lstrip(".") in FORMATS:
        described = registry.machine(DEFAULT_MACHINE if machine is None else machine)
        language = described.language
        width = language.width if width is None else width
        described.check(width, MINIMUM_MEMORY)
        return load_image(path, language.name, width, language.addresses_per_word)
    return registry.assemble_file(path, width=width, machine=machine)


def compile(
    image: Image, memory: int | None = None, *, bake: bool = False, dtype: str = "float32"
) -> CompiledMachine:
    """The weights of a machine that can run an image.

    `memory` is the number of words, by default the smallest that holds the image. With `bake` the
    instructions that its entry leads to go into the weights and memory holds only data. `dtype` is
    the format in which all sums shall be exact. Raises CompileError.
    """
    memory = smallest_memory(image) if memory is None else memory
    if len(image.words) > largest_memory(image.width):
        most = f"{largest_memory(image.width)} is the most for {image.width} bits"
        raise CompileError(f"the program has {len(image.words)} words, and {most}")
    machine = registry.machine(image.machine)
    machine.check(image.width, memory)
    image.padded(memory)
    form = precision(dtype)
    if not bake:
        return compile_circuit(machine.circuit(image.width, memory, None, form))
    code = machine.read_code(image, memory)
    baked = compile_circuit(machine.circuit(image.width, memory, code, form), code.addresses)
    return dataclasses.replace(baked, plan=dataclasses.replace(baked.plan, entry=image.entry))


def compile_machine(
    name: str = DEFAULT_MACHINE,
    width: int | None = None,
    memory: int | None = None,
    dtype: str = "float32",
) -> CompiledMachine:
    """The weights of a universal machine, by default of its usual width, exact in `dtype`.

    `memory` is the number of words, by default DEFAULT_MEMORY or the most that `width` allows.
    Raises CompileError.
    """
    described = registry.machine(name)
    width = described.language.width if width is None else width
    memory = default_memory(name, width) if memory is None else memory
    return compile_circuit(described.circuit(width, memory, None, precision(dtype)))


def default_memory(name: str, width: int) -> int:
    """The words of memory of a machine given by name: DEFAULT_MEMORY or the most."""
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
    """An engine by its name in ENGINES, or `auto`, which tells `report` what it takes and why.

    The machine must be certified to be exact in the dtype, as far as that depends on the dtype:
    sums, softmax, norm. Raises CertificateError if it is not, unless `uncertified` is set: then
    `auto` is `dense`, the only engine that rounds as the dtype does. Raises CompileError if the
    engine does not take the model, the dtype or the device, or is not `dense` with `uncertified`.
    """
    if uncertified and name not in ("auto", "dense"):
        raise CompileError(
            f"the {name} engine runs only what is exact", hint="--uncertified is for --engine dense"
        )
    if uncertified:
        name = "dense"
    else:
        faults = numeric_verdict(machine, dtype).faults
        if faults:
            raise CertificateError(
                f"the machine is not certified in {dtype}: {faults[0]}",
                hint=f"compile it with --dtype {dtype}, or run it with --uncertified",
            )
    # From here on the dtype is taken as it is: an engine knows only what the plan is made for.
    if name == "auto":
        return AutoEngine(machine, dtype, device, report, uncertified=True)
    report(f"engine: {name}")
    return ENGINES[name](machine, dtype, device, True)


def smallest_memory(image: Image) -> int:
    """The smallest memory, in words, that holds an image."""
    return max(MINIMUM_MEMORY, 1 << (len(image.words) - 1).bit_length())


def run(
    machine: CompiledMachine,
    image: Image,
    data: bytes = b"",
    steps: int | None = None,
    engine: Engine | None = None,
) -> Trace:
    """Run a program on the transformer until it halts, or for at most `steps` instructions.

    The engine is by default the fastest that can run the model. Steps are complete: `reads`,
    `writes` and `registers` are what each instruction accesses, with values from the residual
    stream, then what the host set while it served a trap.
    """
    session = Session(machine, image, engine or choose_engine(machine), data)
    return Trace(tuple(session.walk(steps)), session.computer.halted())


def verify(
    machine: CompiledMachine,
    image: Image,
    data: bytes = b"",
    steps: int | None = None,
    engine: Engine | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Verdict:
    """Hold a run against the reference, every lane after every loop. Raises Mismatch.

    The engine is by default the dense one, which is the definition. A lifted engine first proves
    that its code equals the weights, if that takes about a second. Raises WrongLift if it fails.
    """
    engine = engine or choose_engine(machine, "dense")
    prove_small_lifts(engine)
    return lockstep(machine, engine, [image], [data], steps, progress)


def certify(
    machine: CompiledMachine,
    image: Image | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Certificate:
    """Show from its weights what a machine computes, and in which dtypes it is exact.

    A baked machine is shown to be that of the program in `image`. Raises CompileError if there is
    no such machine, CertificateError if a baked machine's program is missing or another one.
    """
    plan = machine.plan
    described = registry.machine(plan.machine)
    code = None
    if plan.baked:
        if image is None:
            raise CertificateError("a baked machine is certified together with its program")
        code = described.read_code(image, plan.memory)
        if (tuple(sorted(code.addresses)), image.entry) != (plan.code, plan.entry):
            raise CertificateError("the machine is baked for another program")
    circuit = described.circuit(plan.width, plan.memory, code, precision(plan.dtype))
    addresses = None if code is None else code.addresses
    return certify_circuit(machine, circuit, progress, addresses)


def translate(
    machine: CompiledMachine, image: Image | None = None, dtype: str = "float32"
) -> Translation:
    """Show that the code which the lifted engine makes from the weights equals them.

    It is the code with which a run of the image begins; without an image, that for a memory of
    random words. Raises CertificateError as an engine does where nothing is exact.
    """
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
    """A memory full of random words, always the same ones."""
    rng = random.Random(0)
    return [rng.getrandbits(plan.width) for _ in range(plan.memory)]
