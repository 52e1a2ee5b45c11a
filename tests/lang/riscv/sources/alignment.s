# exit: 44
# Alignment with what fills the gap, and the most that may be skipped.
        .globl _start
_start: la t0, b
        lw a0, 0(t0)                    # 306
        lbu t1, -1(t0)                  # 255
        sub a0, a0, t1
        la t0, c
        lbu t1, 0(t0)
        sub a0, a0, t1                  # 51 - 7
        .p2align 4,,15
        .p2align 4,,3
        .balign 4, 0
        li a7, 93
        ecall
        .data
a:      .byte 9
        .balign 8, 0xff
b:      .word 306
        .byte 3
        .p2align 3,,2
c:      .byte 7
        .p2align 2, 1
        .balignl 8, 0x01020304
