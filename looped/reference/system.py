"""The environment of a RISC-V program, by the manuals, for the reference.

It works on the plain integers of a hart and shares no code with the hosts in `looped/devices`, so
that a lockstep run tests those hosts against it.

- *System calls*: ECALL with the number in a7, arguments in a0 to a2, the result in a0; see
  `newlib`. *Semihosting*: see `semihost`. It takes precedence over a trap handler of the program.
- *Control registers*, other traps, misaligned accesses: see `privileged`.
- *Host-target interface*: the system reads the word `tohost` after every 64th instruction. If it is
  not zero, the hart stops as at an ECALL; an odd number n is the exit status n >> 1. An address is
  that of a call: number, three arguments, later the result, each of 64 bits. With 1, 1 as the upper
  bytes of the 64 bits at `tohost`, the lowest byte is printed. After both, `fromhost` becomes 1.
"""

from __future__ import annotations

from looped.environment import USUAL, Environment
from looped.image import Image
from looped.reference.files import Files
from looped.reference.handlers import Handlers
from looped.reference.newlib import Newlib, Program
from looped.reference.privileged import Privileged, set_register
from looped.reference.reference import Service
from looped.reference.rv32i import Rv32i
from looped.reference.semihost import Semihost
from looped.reference.storage import held, put_word, word_at

__all__ = ["RiscvSystem", "machine_mode_system", "riscv_system"]

_LOOK = 64
_WORD = 1 << 32


def riscv_system(image: Image, data: bytes, environment: Environment = USUAL) -> RiscvSystem:
    """The environment of a RISC-V program.

    The heap begins at the next multiple of 16 from the last word of the last region on, or from the
    symbol `_end` of a linker if that lies higher.
    """
    bases = image.regions.bases
    end = bases[-1] + 4 * (len(image.words) // len(bases))
    if image.linked and image.symbols.get("_end", 0) > end:
        end = image.symbols["_end"]
    while end % 16:
        end += 1
    symbols = image.symbols
    tohost = symbols.get("tohost")
    if tohost is not None and image.index(tohost) >= len(image.words):
        tohost = None
    return RiscvSystem(data, end, tohost, symbols.get("fromhost"), environment)


def machine_mode_system(image: Image, data: bytes, environment: Environment = USUAL) -> RiscvSystem:
    """The environment of a program on a hart that has machine mode itself."""
    system = riscv_system(image, data, environment)
    system.privileged = Handlers(environment.emulates_misaligned)
    return system


class RiscvSystem:
    """Serves one hart, whose whole input is `data` and whose heap begins at `heap`.

    `status` is the exit status that the program has given at `tohost`, None before it has.
    """

    def __init__(
        self,
        data: bytes,
        heap: int,
        tohost: int | None = None,
        fromhost: int | None = None,
        environment: Environment = USUAL,
    ) -> None:
        files = Files(data, environment.files)
        self.program = Program(files, environment.arguments, heap, heap)
        self.newlib, self.semihost = Newlib(self.program), Semihost(self.program)
        self.tohost, self.fromhost = tohost, fromhost
        self.status: int | None = None
        self.executed = 0
        self.privileged: Privileged = Privileged(environment.emulates_misaligned)

    @property
    def exit_code(self) -> int | None:
        """The exit status of the program, None before it has one."""
        return self.program.exit_code if self.status is None else self.status

    @property
    def emulated(self) -> int:
        """The number of instructions that the system has executed for the hart."""
        return self.privileged.emulated

    def after(self, hart: Rv32i) -> Service | None:
        """Serve a hart that has just executed an instruction; None if there is nothing to do."""
        self.executed += 1
        done = Service()
        if hart.trap:
            self._trapped(hart, done)
            return done
        if self.tohost is None or self.executed % _LOOK:
            return None
        if hart.memory[hart.index(self.tohost)] == 0:
            return None
        if not self._request(hart, self.tohost, done):
            hart.trap, hart.cause = 1, 11
        return done

    def _trapped(self, hart: Rv32i, done: Service) -> None:
        """Serve a trap, if anything here does."""
        if self.semihost.asked(hart):
            result = self.semihost.call(hart, self.executed - 1, done)
        elif self.privileged.serve(hart, self.executed, done) or hart.cause != 11:
            return
        else:
            number, *arguments = (hart.x[n] for n in (17, 10, 11, 12))
            result = self.newlib.call(hart, number, arguments, self.executed - 1, done)
        if self.program.exit_code is None:
            set_register(hart, 10, result % _WORD, done)
            self.privileged.resume(hart, hart.pc + 4)

    def _request(self, hart: Rv32i, tohost: int, done: Service) -> bool:
        """Serve what a program asks for at `tohost`; False if the hart must stop."""
        low, high = (word_at(hart, tohost + n) for n in (0, 4))
        if low % 2 == 1 and high >> 16 != 0x0101:
            status = low // 2
            self.status = 1 if status > 0 and status % 256 == 0 else status % 256
            return False
        if high >> 16 == 0x0101:
            done.output = bytes([low % 256])
        else:
            if high or self.fromhost is None or not held(hart, low, 32):
                return False
            number, *arguments = (word_at(hart, low + 8 * n) for n in range(4))
            result = self.newlib.call(hart, number, arguments, self.executed - 1, done)
            if self.program.exit_code is not None:
                return False
            for n in range(2):
                put_word(hart, low + 4 * n, result >> 32 * n & _WORD - 1, done)
        for n in (0, 4):
            put_word(hart, tohost + n, 0, done)
        if self.fromhost is not None:
            put_word(hart, self.fromhost, 1, done)
        return True
