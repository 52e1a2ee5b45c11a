# Pseudo-instructions of RISC-V (unprivileged specification, chapter "RISC-V Assembly Programmer's
# Handbook"), as macros. `li`, and loads and stores at a symbol, are the assembler's own.

.macro nop
        addi x0, x0, 0
.endm

.macro mv rd, rs
        addi rd, rs, 0
.endm

.macro not rd, rs
        xori rd, rs, -1
.endm

.macro neg rd, rs
        sub rd, x0, rs
.endm

.macro seqz rd, rs
        sltiu rd, rs, 1
.endm

.macro snez rd, rs
        sltu rd, x0, rs
.endm

.macro sltz rd, rs
        slt rd, rs, x0
.endm

.macro sgtz rd, rs
        slt rd, x0, rs
.endm

.macro sgt rd, rs1, rs2
        slt rd, rs2, rs1
.endm

.macro sgtu rd, rs1, rs2
        sltu rd, rs2, rs1
.endm

.macro zext.b rd, rs
        andi rd, rs, 255
.endm

.macro beqz rs, target
        beq rs, x0, target
.endm

.macro bnez rs, target
        bne rs, x0, target
.endm

.macro blez rs, target
        bge x0, rs, target
.endm

.macro bgez rs, target
        bge rs, x0, target
.endm

.macro bltz rs, target
        blt rs, x0, target
.endm

.macro bgtz rs, target
        blt x0, rs, target
.endm

.macro bgt rs1, rs2, target
        blt rs2, rs1, target
.endm

.macro ble rs1, rs2, target
        bge rs2, rs1, target
.endm

.macro bgtu rs1, rs2, target
        bltu rs2, rs1, target
.endm

.macro bleu rs1, rs2, target
        bgeu rs2, rs1, target
.endm

.macro j target
        jal x0, target
.endm

.macro jr rs
        jalr x0, rs
.endm

.macro ret
        jalr x0, 0(ra)
.endm

.macro la rd, symbol
@here:  auipc rd, %pcrel_hi(symbol)
        addi rd, rd, %pcrel_lo(@here)
.endm

.macro lla rd, symbol
        la rd, symbol
.endm

.macro call symbol
@here:  auipc ra, %pcrel_hi(symbol)
        jalr ra, %pcrel_lo(@here)(ra)
.endm

.macro tail symbol
@here:  auipc t1, %pcrel_hi(symbol)
        jalr x0, %pcrel_lo(@here)(t1)
.endm

.macro fence.tso
        .word 0x8330000f
.endm

.macro unimp
        .word 0xc0001073        # csrrw x0, cycle, x0: never legal
.endm
