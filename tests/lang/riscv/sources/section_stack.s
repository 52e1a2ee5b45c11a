# exit: 27
# .pushsection, .popsection, .previous, .subsection, and numbers behind section names.
        .globl _start
_start: la t0, first
        .pushsection .data
first:  .word 1
        .pushsection .rodata
second: .word 2
        .popsection
        .word 4
        .popsection
        lw a0, 0(t0)
        lw t1, 4(t0)
        add a0, a0, t1
        la t0, second
        .data
        .previous
        lw t1, 0(t0)
        add a0, a0, t1
        .text 2
        addi a0, a0, 16                 # behind subsection 1
        li a7, 93
        ecall
        .subsection 1
        addi a0, a0, 4
