"""Statements to operations: what each mnemonic means, and which shapes it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from looped.errors import LoopedError
from looped.isa.fleq import FUNCTIONS, Operation, Selector
from looped.lang.fleq.names import Names, shown
from looped.lang.fleq.nodes import Instruction, Name, Place
from looped.lang.fleq.overlap import depends_on_workers
from looped.lang.fleq.settings import Settings
from looped.lang.fleq.views import View, resolve

__all__ = ["FORMS", "Coded", "Form", "coded", "form_of"]

_ZERO, _I, _J, _K = Selector.ZERO, Selector.I, Selector.J, Selector.K


@dataclass(frozen=True, slots=True)
class Form:
    """How many operands a mnemonic takes, whether it has a result, and an example."""

    operands: int
    has_result: bool
    usage: str


FORMS: dict[str, Form] = {
    **{n: Form(2, True, f"{n} X, Y -> Z") for n in ("add", "sub", "mul", "div", "rem")},
    **{n: Form(1, True, f"{n} X -> Y") for n in ("copy", "relu", "sqrt", "sigmoid", "sin", "exp")},
    "matmul": Form(2, True, "matmul X, Y -> Z"),
    "dot": Form(2, True, "dot x, y -> s"),
    "outer": Form(2, True, "outer x, y -> Z"),
    "transpose": Form(1, True, "transpose X -> Y"),
    "print": Form(1, False, "print X"),
    "jle": Form(2, False, "jle x, label"),
    "jmp": Form(1, False, "jmp label"),
    "halt": Form(0, False, "halt"),
    "next": Form(1, False, "next X"),
    "first": Form(1, False, "first X"),
}
"""Every mnemonic of the language."""


@dataclass(frozen=True, slots=True)
class Coded:
    """An operation with its operands. An operand that is None is not used; so is the branch.

    `target` names the label of the branch; without one, a branch halts.
    """

    operation: Operation
    a: View | None = None
    b: View | None = None
    c: View | None = None
    flag: View | None = None
    target: Name | None = None

    @property
    def views(self) -> dict[str, View | None]:
        """The operands by the words of the instruction that hold their addresses."""
        return {"a": self.a, "b": self.b, "c": self.c, "flag": self.flag}


def form_of(instruction: Instruction) -> Form:
    """The form of an instruction, held against it. Raises LoopedError."""
    mnemonic, span = instruction.mnemonic.name, instruction.mnemonic.span
    form = FORMS.get(mnemonic)
    if form is None:
        hint = f"instructions: {' '.join(FORMS)}"
        raise LoopedError(f"no instruction named `{mnemonic}`", span, hint)
    if len(instruction.operands) != form.operands:
        count = _count(form.operands, "operand") if form.operands else "no operands"
        message = f"`{mnemonic}` takes {count}, not {len(instruction.operands)}"
        raise LoopedError(message, span, form.usage)
    if (instruction.result is not None) != form.has_result:
        message = f"`{mnemonic}` {'needs a' if form.has_result else 'has no'} result"
        raise LoopedError(message, span, form.usage)
    jumps = mnemonic in ("jle", "jmp", "halt")
    if jumps and instruction.condition is not None:
        raise LoopedError(f"`{mnemonic}` has no condition of its own", span, form.usage)
    return form


def coded(instruction: Instruction, names: Names, settings: Settings) -> Coded:
    """The operation of an instruction other than `next` and `first`. Raises LoopedError."""
    mnemonic = instruction.mnemonic.name
    if mnemonic in ("jle", "jmp", "halt"):
        return _jump(instruction, names, settings)
    views = [resolve(operand, names, settings) for operand in instruction.operands]
    if mnemonic == "print":
        (x,) = views
        operation = Operation("print", _elements(x, x.shape), rows=x.shape[0], cols=x.shape[1])
        found = Coded(operation, x)
    else:
        assert instruction.result is not None
        z = resolve(instruction.result, names, settings)
        if z.matrix is None or z.transposed:
            message = "a result is a matrix or a part of one, as it lies in memory"
            raise LoopedError(message, z.span, FORMS[mnemonic].usage)
        found = _SHAPED.get(mnemonic, _elementwise)(mnemonic, views, z)
        _check_overlap(mnemonic, found, z, settings)
    return _judged(found, instruction, names, settings)


def _jump(instruction: Instruction, names: Names, settings: Settings) -> Coded:
    """A branch that computes nothing; a flag that is None is a constant zero."""
    operation = Operation("copy", judge=True)
    if instruction.mnemonic.name == "halt":
        return Coded(operation)
    *flags, target = instruction.operands
    if not isinstance(target, Place) or target.parts or target.transposed:
        usage = FORMS[instruction.mnemonic.name].usage
        raise LoopedError("a branch goes to a label", target.span, usage)
    flag = _flag(resolve(flags[0], names, settings)) if flags else None
    names.label(target.name)
    return Coded(operation, flag=flag, target=target.name)


def _judged(found: Coded, instruction: Instruction, names: Names, settings: Settings) -> Coded:
    """The operation with the branch that its statement ends in."""
    condition = instruction.condition
    if condition is None:
        return found
    names.label(condition.target)
    flag = _flag(resolve(condition.flag, names, settings))
    operation = replace(found.operation, judge=True)
    return replace(found, operation=operation, flag=flag, target=condition.target)


def _flag(view: View) -> View:
    if view.shape != (1, 1):
        message = f"a branch judges one number, not {view}"
        raise LoopedError(message, view.span, view.origin)
    return view


def _elementwise(mnemonic: str, views: list[View], z: View) -> Coded:
    """Every operand has the rows and the columns of the result, or one of them."""
    for x in views:
        if any(size not in (1, full) for size, full in zip(x.shape, z.shape, strict=True)):
            hint = f"rows and columns are equal or 1; {_origins(x, z)}"
            raise LoopedError(f"{x} does not fit {z}", x.span, hint)
    rows, cols = z.shape
    a = _elements(views[0], z.shape)
    b = _elements(views[1], z.shape) if len(views) == 2 else (_ZERO, _ZERO)
    operation = Operation(mnemonic, a, b, rows, cols)
    return Coded(operation, views[0], views[1] if len(views) == 2 else None, z)


def _elements(x: View, shape: tuple[int, int]) -> tuple[Selector, Selector]:
    """The selectors that read an operand element by element, a single row or column again."""
    row = _I if x.shape[0] == shape[0] > 1 else _ZERO
    col = _J if x.shape[1] == shape[1] > 1 else _ZERO
    return (col, row) if x.transposed else (row, col)


def _transpose(mnemonic: str, views: list[View], z: View) -> Coded:
    (x,) = views
    turned = replace(x, transposed=not x.transposed)
    if turned.shape != z.shape:
        message = f"the transpose of {x} is {shown(turned.shape)}, not {z}"
        raise LoopedError(message, z.span, _origins(x, z))
    return _elementwise("copy", [turned], z)


def _matmul(mnemonic: str, views: list[View], z: View) -> Coded:
    x, y = views
    (rows, inner), (inner_y, cols) = x.shape, y.shape
    if inner != inner_y:
        message = f"{x} has {_count(inner, 'column')} and {y} has {_count(inner_y, 'row')}"
        raise LoopedError(message, y.span, _origins(x, y))
    if z.shape != (rows, cols):
        message = f"the product of {x} and {y} is {shown((rows, cols))}, not {z}"
        raise LoopedError(message, z.span, _origins(x, y, z))
    a = (_K, _I) if x.transposed else (_I, _K)
    b = (_J, _K) if y.transposed else (_K, _J)
    return Coded(Operation("mul", a, b, rows, cols, inner), x, y, z)


def _dot(mnemonic: str, views: list[View], z: View) -> Coded:
    x, y = views
    lengths = [_length(view) for view in views]
    if lengths[0] != lengths[1]:
        raise LoopedError(f"{x} and {y} differ in length", y.span, _origins(x, y))
    if z.shape != (1, 1):
        raise LoopedError(f"a dot product is one number, not {z}", z.span, z.origin)
    a, b = _along(x, _K), _along(y, _K)
    return Coded(Operation("mul", a, b, inner=lengths[0]), x, y, z)


def _outer(mnemonic: str, views: list[View], z: View) -> Coded:
    x, y = views
    rows, cols = _length(x), _length(y)
    if z.shape != (rows, cols):
        message = f"the outer product of {x} and {y} is {shown((rows, cols))}, not {z}"
        raise LoopedError(message, z.span, _origins(x, y, z))
    return Coded(Operation("mul", _along(x, _I), _along(y, _J), rows, cols), x, y, z)


_SHAPED: dict[str, Callable[[str, list[View], View], Coded]] = {
    "matmul": _matmul,
    "dot": _dot,
    "outer": _outer,
    "transpose": _transpose,
}


def _length(view: View) -> int:
    if 1 not in view.shape:
        raise LoopedError(f"{view} is no vector: one row or one column", view.span, view.origin)
    return max(view.shape)


def _along(view: View, index: Selector) -> tuple[Selector, Selector]:
    """The selectors of a vector whose elements `index` counts."""
    return (_ZERO, index) if view.stored[0] == 1 else (index, _ZERO)


def _origins(*views: View) -> str:
    """Where each matrix is declared, once."""
    return ", ".join(dict.fromkeys(view.origin for view in views))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _check_overlap(mnemonic: str, found: Coded, z: View, settings: Settings) -> None:
    """Refuse an instruction whose result the number of workers would decide."""
    assert z.matrix is not None
    assert found.a is not None
    same = [view for view in (found.a, found.b) if view is not None and view.matrix is z.matrix]
    if not same:
        return
    apart = -(len(z.matrix.rows) + settings.side) * settings.side * 2  # away from the matrix
    a = found.a.offset if found.a in same else apart
    b = None
    if FUNCTIONS[found.operation.function].arity == 2 and found.b is not None:
        b = found.b.offset if found.b in same else apart
    if depends_on_workers(found.operation, a, b, z.offset, settings.side):
        message = f"`{mnemonic}` reads `{z.matrix.name}` where it has stored its result already"
        hint = "the number of workers would decide; store into another matrix, then copy"
        raise LoopedError(message, z.span, hint)
