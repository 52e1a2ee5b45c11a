# A message is raised to a power modulo 3233 = 61 * 53, which hides it, and to another one, which
# brings it back.
#
# output: "65 2790 65\n"
# steps: 236

        .attribute arch, "rv32im"
        .globl _start
        .text
_start: la sp, stack
        li s0, 65               # the message
        mv a0, s0
        li a1, ' '
        call put_number
        mv a0, s0
        li a1, 17               # known to all
        call power
        mv s0, a0
        li a1, ' '
        call put_number
        mv a0, s0
        li a1, 2753             # known to one
        call power
        li a1, '\n'
        call put_number
        li a0, 0
        li a7, 93               # exit
        ecall

# a0 to the power a1 modulo 3233 in a0, bit by bit of the exponent
power:  li t1, 3233
        li t0, 1
1:      andi t2, a1, 1
        beqz t2, 2f
        mul t0, t0, a0
        remu t0, t0, t1
2:      mul a0, a0, a0
        remu a0, a0, t1
        srli a1, a1, 1
        bnez a1, 1b
        mv a0, t0
        ret

        .include "lib/decimal.s"

        .bss
        .balign 16
        .space 32
stack:
