# Products and quotients of a negative number: how far below zero their sum is.
#
# output: "5\n"
# steps: 24

        .attribute arch, "rv32im"
        .globl _start
        .text
_start: li t0, -7
        li t1, 2
        mulh t2, t0, t1         # the high word of -14: -1
        div t3, t0, t1          # -3, rounded towards zero
        rem t4, t0, t1          # -1
        mulhsu t5, t0, t1       # the high word of -14, again
        divu t6, t0, t0         # 1
        add t2, t2, t3
        add t2, t2, t4
        add t2, t2, t5
        add t2, t2, t6
        li t6, -1
        xor t2, t2, t6          # the negative number is one more than that
        addi t2, t2, '1'
        la a1, text
        sb t2, 0(a1)
        li a0, 1                # the standard output
        li a2, 2
        li a7, 64               # write
        ecall
        li a0, 0
        li a7, 93               # exit
        ecall

        .data
text:   .ascii "0\n"
