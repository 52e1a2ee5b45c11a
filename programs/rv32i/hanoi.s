# The towers of Hanoi, four discs: every move as "from to", recursively.
#
# output: "12 13 23 12 31 32 12 13 23 21 31 23 12 13 23 \n"
# steps: 984

        .globl _start
        .text
_start: la sp, stack
        li a0, 4                # discs
        li a1, '1'              # from
        li a2, '3'              # to
        li a3, '2'              # the third
        call move
        li a0, '\n'
        call put
        li a0, 0
        li a7, 93
        ecall

move:   beqz a0, 1f
        addi sp, sp, -32
        sw ra, 0(sp)
        sw s0, 4(sp)
        sw s1, 8(sp)
        sw s2, 12(sp)
        sw s3, 16(sp)
        addi s0, a0, -1
        mv s1, a1
        mv s2, a2
        mv s3, a3

        mv a0, s0               # the smaller discs go to the third place,
        mv a2, s3
        mv a3, s2
        call move
        mv a0, s1               # the largest goes where it belongs,
        call put
        mv a0, s2
        call put
        li a0, ' '
        call put
        mv a0, s0               # and the smaller ones onto it
        mv a1, s3
        mv a2, s2
        mv a3, s1
        call move

        lw ra, 0(sp)
        lw s0, 4(sp)
        lw s1, 8(sp)
        lw s2, 12(sp)
        lw s3, 16(sp)
        addi sp, sp, 32
1:      ret

put:    la a1, letter
        sb a0, 0(a1)
        li a0, 1
        li a2, 1
        li a7, 64
        ecall
        ret

        .data
letter: .byte 0

        .bss
        .balign 16
        .space 256
stack:
