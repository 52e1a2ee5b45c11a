# Bubble sort of signed words; the order of the numbers is then put out with signs.
#
# output: "-2147483648 -40 -1 0 3 3 17 99 2147483647 \n"
# steps: 2143

        .equ COUNT, 9

        .globl _start
        .text
_start: la sp, stack
        la s0, numbers
        li s1, COUNT - 1        # pairs to compare
sort:   mv t0, s0
        mv t1, s1
pair:   lw t2, 0(t0)
        lw t3, 4(t0)
        ble t2, t3, ordered
        sw t3, 0(t0)
        sw t2, 4(t0)
ordered:
        addi t0, t0, 4
        addi t1, t1, -1
        bnez t1, pair
        addi s1, s1, -1
        bnez s1, sort

        li s1, COUNT
show:   lw s2, 0(s0)
        bgez s2, positive
        li a0, '-'
        call put_byte
        neg s2, s2
positive:
        mv a0, s2
        call put_number
        li a0, ' '
        call put_byte
        addi s0, s0, 4
        addi s1, s1, -1
        bnez s1, show
        li a0, '\n'
        call put_byte
        li a0, 0
        li a7, 93
        ecall

        .include "lib/print.s"

        .data
        .balign 4
numbers:
        .word 17, -1, 3, 0x80000000, 99, 0, 0x7fffffff, -40, 3

        .bss
        .balign 16
        .space 64
stack:
