# The largest number divided by 1, 2 and 3, and multiplied by a negative one; 2^31 divided by 2.
#
# output: "6\n"
# steps: 27

        .attribute arch, "rv32im"
        .globl _start
        .text
_start: li t0, -1
        li t1, 1
        divu t2, t0, t1         # 0xffffffff
        li t1, 2
        divu t3, t0, t1         # 0x7fffffff
        li t1, 3
        divu t4, t0, t1         # 0x55555555
        mulh t5, t1, t0         # the high word of -3: -1
        li t0, 0x80000000
        li t1, 2
        divu t6, t0, t1         # 0x40000000
        xor t2, t2, t3
        xor t2, t2, t4
        xor t2, t2, t5          # 0x2aaaaaaa
        xor t2, t2, t6          # 0x6aaaaaaa
        srli t2, t2, 28
        addi t2, t2, '0'
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
