# Reverse: reads all its input and puts it out from the last byte to the first.
#
# input: "desserts\nstressed"
# output: "desserts\nstressed"
# steps: 85

        .equ SIZE, 64

        .globl _start
        .text
_start: li a0, 0
        la a1, buffer
        li a2, SIZE
        li a7, 63
        ecall
        mv s2, a0               # how many bytes there are
        la s0, buffer           # two pointers that meet in the middle
        add s1, s0, a0
swap:   addi s1, s1, -1
        bgeu s0, s1, met
        lb t0, 0(s0)
        lb t1, 0(s1)
        sb t1, 0(s0)
        sb t0, 0(s1)
        addi s0, s0, 1
        j swap
met:    li a0, 1
        la a1, buffer
        mv a2, s2
        li a7, 64
        ecall
        li a0, 0
        li a7, 93
        ecall

        .bss
buffer: .space SIZE
