# Nine digits of pi, one after the other (the spigot of Rabinowitz and Wagon, 1995).
#
# output: "314159265\n"
# steps: 3841

        .attribute arch, "rv32im"
        .equ DIGITS, 9
        .equ LENGTH, 31         # remainders: ten for every three digits, and one
        .globl _start
        .text
_start: la sp, stack
        la s0, remainders
        li t0, LENGTH - 1
        li t1, 2
1:      slli t2, t0, 2          # all of them begin with 2
        add t2, t2, s0
        sw t1, 0(t2)
        addi t0, t0, -1
        bgez t0, 1b
        li s1, DIGITS
digit:  li t0, LENGTH - 1       # its place
        li t3, 0                # what is carried to the next place
        li t6, 10
2:      slli t4, t0, 2
        add t4, t4, s0
        lw t2, 0(t4)
        mul t2, t2, t6
        add t2, t2, t3
        slli t1, t0, 1
        addi t1, t1, 1          # divided by 2 i + 1
        remu t5, t2, t1
        divu t3, t2, t1
        sw t5, 0(t4)
        mul t3, t3, t0          # and multiplied by i
        addi t0, t0, -1
        bgtz t0, 2b
        lw t2, 0(s0)            # the first place holds the digit
        mul t2, t2, t6
        add t2, t2, t3
        remu t5, t2, t6
        sw t5, 0(s0)
        divu t2, t2, t6
        addi t2, t2, '0'
        sb t2, 0(sp)
        li a0, 1
        mv a1, sp
        li a2, 1
        li a7, 64               # write
        ecall
        addi s1, s1, -1
        bnez s1, digit
        li t2, '\n'
        sb t2, 0(sp)
        li a0, 1
        ecall
        li a0, 0
        li a7, 93               # exit
        ecall

        .bss
        .balign 4
stack:  .space 4
remainders:
        .space 4 * LENGTH
