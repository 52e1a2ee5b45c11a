# Bytes and half-words: what loads extend, what stores leave alone. A word is taken apart and put
# together again in another order; every result is put out in hexadecimal.
#
# output: "ffffff84\n00000084\nffffa584\n0000a584\n00008463\n84aac663\n"
# steps: 532

        .globl _start
        .text
_start: la s0, word
        lb a0, 0(s0)
        call show
        lbu a0, 0(s0)
        call show
        lh a0, 0(s0)
        call show
        lhu a0, 0(s0)
        call show
        lw t0, 0(s0)            # 0xc663a584
        lbu t1, 2(s0)
        lbu t2, 0(s0)
        sw x0, 4(s0)
        sb t1, 4(s0)
        sb t2, 5(s0)
        lw a0, 4(s0)            # 0x8463
        call show
        sh t0, 6(s0)
        lhu t1, 2(s0)
        sh t1, 4(s0)
        li t1, 0xaa
        sb t1, 6(s0)
        lb t1, 5(s0)
        lbu t2, 0(s0)
        sb t2, 7(s0)
        lw a0, 4(s0)
        call show
        li a0, 0
        li a7, 93
        ecall

# put out a0 as eight hexadecimal digits and a line end
show:   la a1, text + 8
        li t3, 8
1:      andi t4, a0, 15
        srli a0, a0, 4
        addi t4, t4, '0'
        li t5, '9'
        bleu t4, t5, 2f
        addi t4, t4, 'a' - '0' - 10
2:      addi a1, a1, -1
        sb t4, 0(a1)
        addi t3, t3, -1
        bnez t3, 1b
        li a0, 1
        li a2, 9
        li a7, 64
        ecall
        ret

        .data
        .balign 4
word:   .word 0xc663a584, 0
text:   .ascii "        \n"
