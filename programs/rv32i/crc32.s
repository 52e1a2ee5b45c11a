# CRC-32 (polynomial 0xedb88320, reflected) of a text, bit by bit, put out in hexadecimal. The check
# value of "123456789" is cbf43926.
#
# output: "cbf43926\n"
# steps: 548

        .globl _start
        .text
_start: la s0, text
        li a0, -1
        li s1, 0xedb88320
byte:   lbu t0, 0(s0)
        beqz t0, done
        addi s0, s0, 1
        xor a0, a0, t0
        li t1, 8
bit:    andi t2, a0, 1
        srli a0, a0, 1
        beqz t2, even
        xor a0, a0, s1
even:   addi t1, t1, -1
        bnez t1, bit
        j byte
done:   not a0, a0

        la a1, digits           # eight digits, the highest first
        li t1, 28
1:      srl t2, a0, t1
        andi t2, t2, 15
        la t3, hexadecimal
        add t3, t3, t2
        lbu t3, 0(t3)
        sb t3, 0(a1)
        addi a1, a1, 1
        addi t1, t1, -4
        bgez t1, 1b
        li a0, 1
        la a1, digits
        li a2, 9
        li a7, 64
        ecall
        li a0, 0
        li a7, 93
        ecall

        .section .rodata
text:   .asciz "123456789"
hexadecimal:
        .ascii "0123456789abcdef"

        .data
digits: .ascii "        \n"
