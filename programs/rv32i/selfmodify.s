# Self-modifying: the immediate of an instruction counts up while the instruction is executed. Code is
# data in memory columns, so that nothing need be flushed.
#
# output: "abcdefghij\n"
# steps: 143

        .globl _start
        .text
_start: la s0, change
        li s1, 1 << 20          # one, where an immediate has its lowest bit
        li s2, 10
again:  la a1, letter
change: li t0, 'a'              # addi t0, x0, 97: each time one more
        sb t0, 0(a1)
        li a0, 1
        li a2, 1
        li a7, 64
        ecall
        lw t1, 0(s0)
        add t1, t1, s1
        sw t1, 0(s0)
        addi s2, s2, -1
        bnez s2, again
        li t0, '\n'
        la a1, letter
        sb t0, 0(a1)
        li a0, 1
        ecall
        li a0, 0
        li a7, 93
        ecall

        .data
letter: .byte 0
