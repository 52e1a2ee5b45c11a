# Factorials up to 12!, with a multiplication by shifting and adding, called recursively.
#
# output: "1 1 2 6 24 120 720 5040 40320 362880 3628800 39916800 479001600 \n"
# steps: 5112

        .globl _start
        .text
_start: la sp, stack
        li s0, 0
1:      mv a0, s0
        call factorial
        call put_number
        li a0, ' '
        call put_byte
        addi s0, s0, 1
        li t0, 12
        ble s0, t0, 1b
        li a0, '\n'
        call put_byte
        li a0, 0
        li a7, 93
        ecall

# a0! in a0
factorial:
        addi sp, sp, -16
        sw ra, 0(sp)
        sw a0, 4(sp)
        beqz a0, one
        addi a0, a0, -1
        call factorial
        lw a1, 4(sp)
        call multiply
        j return
one:    li a0, 1
return: lw ra, 0(sp)
        addi sp, sp, 16
        ret

# a0 * a1 in a0
multiply:
        mv t0, a0
        li a0, 0
1:      andi t1, a1, 1
        beqz t1, 2f
        add a0, a0, t0
2:      slli t0, t0, 1
        srli a1, a1, 1
        bnez a1, 1b
        ret

        .include "lib/print.s"

        .bss
        .balign 16
        .space 512
stack:
