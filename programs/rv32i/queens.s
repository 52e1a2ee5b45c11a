# Six queens: all ways to put six queens on a board of 6 × 6 so that none attacks another. Columns and
# diagonals that are taken are bits of words, as in every fast solution.
#
# output: "4\n"
# steps: 4891

        .equ ALL, 0x3f

        .globl _start
        .text
_start: la sp, stack
        li s0, 0                # solutions
        li a0, 0                # columns
        li a1, 0                # diagonals to the left
        li a2, 0                # diagonals to the right
        call place
        addi a0, s0, '0'
        call put_byte
        li a0, '\n'
        call put_byte
        li a0, 0
        li a7, 93
        ecall

place:  li t0, ALL
        beq a0, t0, full
        or t1, a0, a1           # free places of this row
        or t1, t1, a2
        not t1, t1
        and t1, t1, t0
1:      beqz t1, 2f
        neg t2, t1              # the lowest free place
        and t2, t2, t1
        xor t1, t1, t2
        addi sp, sp, -32
        sw ra, 0(sp)
        sw a0, 4(sp)
        sw a1, 8(sp)
        sw a2, 12(sp)
        sw t1, 16(sp)
        or a0, a0, t2
        or a1, a1, t2
        slli a1, a1, 1
        or a2, a2, t2
        srli a2, a2, 1
        call place
        lw ra, 0(sp)
        lw a0, 4(sp)
        lw a1, 8(sp)
        lw a2, 12(sp)
        lw t1, 16(sp)
        addi sp, sp, 32
        j 1b
full:   addi s0, s0, 1
2:      ret

        .include "lib/print.s"

        .bss
        .balign 16
        .space 320
stack:
