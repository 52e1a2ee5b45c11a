"""The core: one instruction a loop. It only wires the units; each declares its ports.

| block | attention                        | MLP                                                  |
|-------|----------------------------------|------------------------------------------------------|
| 1     | fetch the word at pc             | decode                                               |
| 2     | read rs1 and rs2                 | low sums, logic, the fine part of a shift            |
| 3     | read the word at rs1 + immediate | high sums, the rest of a shift, align, merge, select |
| 4     | write to a register or to memory | next pc, trap and cause                              |

There are two adders: one for results and addresses, one for the target of a jump or branch. One
port writes to registers and memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Signal, Value
from looped.circuit.words import Form, Word
from looped.machines.rv32i.adder import Adder
from looped.machines.rv32i.alu import AluInputs, AluOutputs, alu
from looped.machines.rv32i.branch import BranchInputs, BranchOutputs, branch
from looped.machines.rv32i.control import ControlInputs, control
from looped.machines.rv32i.decode import Decoded, DecodeInputs, decode
from looped.machines.rv32i.extension import Extension
from looped.machines.rv32i.kinds import KINDS, Kind, flag
from looped.machines.rv32i.load_store import LoadStoreInputs, LoadStoreOutputs, load_store
from looped.machines.rv32i.places import Places
from looped.machines.rv32i.registers import Operands, RegisterInputs, read_registers
from looped.machines.rv32i.shifter import ShifterInputs, ShifterOutputs, shifter
from looped.machines.rv32i.write_back import WriteInputs, WriteOutputs, write_back

__all__ = ["Datapath", "Executed", "Fetched", "core", "execute", "fetch", "no_cause"]

_STORES = (Kind.SB, Kind.SH, Kind.SW)
_COMPUTES = (
    Kind.SUM,
    Kind.AND,
    Kind.OR_OR_XOR,
    Kind.LEFT,
    Kind.RIGHT,
    Kind.SLT,
    Kind.SLTU,
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The state of a hart as a loop begins, and the instruction at the program counter.

    | port          | bits | content                              |
    |---------------|------|--------------------------------------|
    | `pc`          | 32   | the program counter                  |
    | `trapped`     | 1    | whether the hart waits for its host  |
    | `cause`       | 4    | the cause of its trap, else zero     |
    | `instruction` | 32   | the word at the program counter      |
    """

    pc: Word
    trapped: Word
    cause: Word
    instruction: Word


@dataclass(frozen=True, slots=True)
class Datapath:
    """Ports out of the core, for an extension.

    | port       | bits | content                                    |
    |------------|------|--------------------------------------------|
    | `x`        | 32   | the first operand                          |
    | `rs2`      | 32   | x[rs2]                                     |
    | `inverted` | 1    | whether the second operand is a complement |
    | `sum`      | 32   | the sum of both operands                   |
    | `result`   | 32   | the result                                 |
    """

    x: Word
    rs2: Word
    inverted: Word
    sum: Adder
    result: Word


@dataclass(frozen=True, slots=True)
class Executed:
    """Outputs of all units that come before control."""

    decoded: Decoded
    operands: Operands
    computed: AluOutputs
    memory: LoadStoreOutputs
    jump: BranchOutputs
    written: WriteOutputs

    @property
    def path(self) -> Datapath:
        """What an extension uses."""
        operands, inverted = self.operands, self.decoded.inverted
        return Datapath(operands.x, operands.rs2, inverted, self.computed.sum, self.written.result)

    @property
    def legal(self) -> Form:
        """Whether the word is an instruction of RV32I that does not always trap."""
        return flag(*self.decoded.flags(*KINDS))


def fetch(m: Circuit, places: Places) -> Fetched:
    """The registers of the hart, and the instruction. `no_cause` states what holds for them."""
    pc = m.register("pc", m.width)
    trapped = m.register("trap", 1)
    cause = m.register("cause", 4)
    m.halts(trapped)
    m.trap_port(trapped, cause)
    return Fetched(pc, trapped, cause, m.fetch("instruction", places.word(pc)))


def no_cause(m: Circuit, f: Fetched, away: Condition) -> None:
    """State that there is no cause, unless the hart is `away`: the last instruction has trapped."""
    m.invariant("no trap, no cause", away | equal(f.cause, 0))


def core(m: Circuit, places: Places, f: Fetched, extension: Extension) -> Datapath:
    """Execute the fetched instruction, of RV32I or of an extension."""
    done = execute(m, places, f, extension)
    legal = m.let("legal", Value((Signal(done.legal),)))
    following = control(_control_inputs(places, f, done, legal))
    m.next(f.pc, following.pc)
    m.next(f.trapped, following.trapped)
    m.next(f.cause, following.cause)
    return done.path


def execute(m: Circuit, places: Places, f: Fetched, extension: Extension) -> Executed:
    """All units but control."""
    d = decode(m, DecodeInputs(f.instruction, f.pc, (f.trapped, *extension.idle)), extension)
    operands = _read_registers(m, d)
    computed = _alu(m, d, operands)
    shifted = _shifter(m, d, operands)
    memory = _load_store(m, places, d, operands, computed, extension)
    jump = _branch(m, d, operands, computed, extension)
    results = computed.result, shifted.result, memory.loaded, memory.stored
    written = _write_back(m, d, results, memory, jump, extension)
    return Executed(d, operands, computed, memory, jump, written)


def _read_registers(m: Circuit, d: Decoded) -> Operands:
    return read_registers(
        m,
        RegisterInputs(
            rs1=d.rs1,
            first=d.first,
            rs2_add=d.rs2_add,
            rs2_sub=d.rs2_sub,
            second=d.second,
            target_rs1=d.target_rs1,
            target_base=d.target_base,
            rs2=d.rs2,
        ),
    )


def _alu(m: Circuit, d: Decoded, operands: Operands) -> AluOutputs:
    return alu(
        m,
        AluInputs(
            x=operands.x,
            y=operands.y,
            carry=d.inverted,
            is_sum=d.kinds[Kind.SUM],
            is_and=d.kinds[Kind.AND],
            is_or_or_xor=d.kinds[Kind.OR_OR_XOR],
            is_xor=d.kinds[Kind.XOR],
            is_slt=d.kinds[Kind.SLT],
            is_sltu=d.kinds[Kind.SLTU],
        ),
    )


def _shifter(m: Circuit, d: Decoded, operands: Operands) -> ShifterOutputs:
    return shifter(
        m,
        ShifterInputs(
            x=operands.x,
            amount=operands.y[:5],
            is_left=d.kinds[Kind.LEFT],
            is_right=d.kinds[Kind.RIGHT],
            is_arithmetic=d.kinds[Kind.ARITHMETIC],
        ),
    )


def _load_store(
    m: Circuit,
    places: Places,
    d: Decoded,
    operands: Operands,
    computed: AluOutputs,
    extension: Extension,
) -> LoadStoreOutputs:
    return load_store(
        m,
        LoadStoreInputs(
            places=places,
            base=operands.x,
            address=computed.sum,
            new=operands.rs2,
            rd_nonzero=d.rd_nonzero,
            is_load=d.kinds[Kind.LOAD],
            is_lb=d.kinds[Kind.LB],
            is_lh=d.kinds[Kind.LH],
            is_lw=d.kinds[Kind.LW],
            is_wide=d.kinds[Kind.WIDE],
            is_sb=d.kinds[Kind.SB],
            is_sh=d.kinds[Kind.SH],
            is_sw=d.kinds[Kind.SW],
            is_wide_access=d.kinds[Kind.WIDE_ACCESS],
            is_word_access=d.kinds[Kind.WORD_ACCESS],
            probes=() if extension.probe is None else (extension.probe,),
        ),
    )


def _branch(
    m: Circuit, d: Decoded, operands: Operands, computed: AluOutputs, extension: Extension
) -> BranchOutputs:
    return branch(
        m,
        BranchInputs(
            base=operands.base,
            offset=d.offset,
            difference=computed.sum,
            is_jump=d.kinds[Kind.JUMP],
            is_beq=d.kinds[Kind.BEQ],
            is_bne=d.kinds[Kind.BNE],
            is_blt=d.kinds[Kind.BLT],
            is_bge=d.kinds[Kind.BGE],
            is_bltu=d.kinds[Kind.BLTU],
            is_bgeu=d.kinds[Kind.BGEU],
            unfinished=extension.unfinished,
        ),
    )


def _write_back(
    m: Circuit,
    d: Decoded,
    results: tuple[Value, ...],
    memory: LoadStoreOutputs,
    jump: BranchOutputs,
    extension: Extension,
) -> WriteOutputs:
    also, unfinished = extension.writes, extension.unfinished
    withheld = () if unfinished is None else (unfinished,)
    return write_back(
        m,
        WriteInputs(
            results=results,
            rd=d.rd,
            rd_nonzero=d.rd_nonzero,
            computes=d.flags(*_COMPUTES),
            is_jump=d.kinds[Kind.JUMP],
            stores=d.flags(*_STORES),
            place=memory.where,
            mem_writes=memory.writes,
            target=jump.target,
            withheld=withheld if also is None else (*withheld, *also.withheld),
            also=also,
        ),
    )


def _control_inputs(places: Places, f: Fetched, done: Executed, legal: Word) -> ControlInputs:
    d = done.decoded
    return ControlInputs(
        pc=f.pc,
        trapped=f.trapped,
        cause=f.cause,
        places=places,
        legal=legal,
        taken=done.jump.taken,
        target=done.jump.target,
        mem_fault=done.memory.mem_fault,
        misaligned=done.memory.misaligned,
        is_ecall=d.kinds[Kind.ECALL],
        is_ebreak=d.kinds[Kind.EBREAK],
        stores=d.flags(*_STORES),
    )
