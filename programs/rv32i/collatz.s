# Collatz: of the numbers below 30, the one with the longest way to 1, and the length of its way.
#
# output: "27 111\n"
# steps: 3361

        .globl _start
        .text
_start: la sp, stack
        li s0, 1                # the number
        li s1, 0                # the best number and
        li s2, -1               # its length
next:   mv t0, s0
        li t1, 0
        li t3, 1
step:   beq t0, t3, reached
        andi t2, t0, 1
        beqz t2, even
        slli t2, t0, 1          # 3n + 1
        add t0, t0, t2
        addi t0, t0, 1
        addi t1, t1, 1
        j step
even:   srli t0, t0, 1
        addi t1, t1, 1
        j step
reached:
        ble t1, s2, shorter
        mv s1, s0
        mv s2, t1
shorter:
        addi s0, s0, 1
        sltiu t0, s0, 30
        bnez t0, next
        mv a0, s1
        call put_number
        li a0, ' '
        call put_byte
        mv a0, s2
        call put_number
        li a0, '\n'
        call put_byte
        li a0, 0
        li a7, 93
        ecall

        .include "lib/print.s"

        .bss
        .balign 16
        .space 64
stack:
