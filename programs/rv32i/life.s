# The game of life on a board of 8 × 8 that wraps around: a glider, four generations long, after
# which it is where it was, one row and one column on. A row is a byte.
#
# output: ".#......\n..#.....\n###.....\n........\n........\n........\n........\n........\n\n........\n..#.....\n...#....\n.###....\n........\n........\n........\n........\n\n"
# steps: 10350

        .globl _start
        .text
_start: la sp, stack
        call show
        li s0, 4
1:      call generation
        addi s0, s0, -1
        bnez s0, 1b
        call show
        li a0, 0
        li a7, 93
        ecall

# the board in `board` becomes the next one
generation:
        la t0, board
        la t1, next
        li t2, 0                # row
row:    addi t3, t2, -1         # the rows above and below
        andi t3, t3, 7
        add t3, t3, t0
        lbu a1, 0(t3)
        addi t3, t2, 1
        andi t3, t3, 7
        add t3, t3, t0
        lbu a3, 0(t3)
        add t3, t2, t0
        lbu a2, 0(t3)
        li a4, 0                # the new row
        li t4, 8                # columns to go
column: andi a5, a2, 1          # the cell, and its neighbours in three rows
        andi t5, a1, 0x83       # a row turns so that the cell is bit 0, its neighbours 1 and 7
        andi t6, a3, 0x83
        slli t6, t6, 8
        or t5, t5, t6
        andi t6, a2, 0x82
        slli t6, t6, 16
        or t5, t5, t6
        li a6, 0
bits:   beqz t5, counted
        addi t6, t5, -1
        and t5, t5, t6
        addi a6, a6, 1
        j bits
counted:
        or t6, a6, a5           # alive with three neighbours, or with two if it was before
        addi t6, t6, -3
        seqz t6, t6
        srli a4, a4, 1
        slli t6, t6, 7
        or a4, a4, t6
        slli t6, a1, 7          # turn the three rows by one cell
        srli a1, a1, 1
        or a1, a1, t6
        slli t6, a2, 7
        srli a2, a2, 1
        or a2, a2, t6
        slli t6, a3, 7
        srli a3, a3, 1
        or a3, a3, t6
        andi a1, a1, 255
        andi a2, a2, 255
        andi a3, a3, 255
        addi t4, t4, -1
        bnez t4, column
        add t3, t2, t1
        sb a4, 0(t3)
        addi t2, t2, 1
        sltiu t3, t2, 8
        bnez t3, row
        lw t3, 0(t1)
        sw t3, 0(t0)
        lw t3, 4(t1)
        sw t3, 4(t0)
        ret

# put out the board, a line a row
show:   la t0, board
        li t1, 8
1:      lbu t2, 0(t0)
        la a1, line
        li t3, 8
2:      andi t4, t2, 1
        srli t2, t2, 1
        li t5, '.'
        beqz t4, 3f
        li t5, '#'
3:      sb t5, 0(a1)
        addi a1, a1, 1
        addi t3, t3, -1
        bnez t3, 2b
        li a0, 1
        la a1, line
        li a2, 9
        li a7, 64
        ecall
        addi t0, t0, 1
        addi t1, t1, -1
        bnez t1, 1b
        li a0, 1
        la a1, line + 8
        li a2, 1
        ecall
        ret

        .data
        .globl image, framebuffer
        .balign 4
image:                          # a picture: its width, its height, the bits of a pixel
framebuffer:
        .word 8, 8, 1
board:  .byte 0b00000010, 0b00000100, 0b00000111, 0, 0, 0, 0, 0
next:   .space 8
line:   .ascii "        \n"

        .bss
        .balign 16
        .space 64
stack:
