# Count the lines, the words and the bytes of the input.
#
# input: "In the beginning\nwas the word,  \n\n and it was 32 bits wide\n"
# output: "4 12 59\n"
# steps: 1573

        .globl _start
        .text
_start: la sp, stack
        li s0, 0                # lines
        li s1, 0                # words
        li s2, 0                # bytes
        li s3, 1                # whether the byte before was white space
next:   li a0, 0
        la a1, byte
        li a2, 1
        li a7, 63
        ecall
        beqz a0, end
        addi s2, s2, 1
        lbu t0, byte
        li t1, '\n'
        bne t0, t1, 1f
        addi s0, s0, 1
1:      li t1, ' '
        sltu t2, t1, t0         # 1 if it is no white space
        and t1, t2, s3          # a word begins
        add s1, s1, t1
        xori s3, t2, 1
        j next
end:    mv a0, s0
        call put_number
        li a0, ' '
        call put_byte
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
byte:   .space 1
        .balign 16
        .space 64
stack:
