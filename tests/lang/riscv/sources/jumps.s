# exit: 111
# call and jump through other registers, and branches that do not reach.
        .globl _start
_start: li a0, 1
        call t0, save
        call ra, f
        jump on, t1
back:   j far
        .section .text.other, "ax"
f:      addi a0, a0, 2
        ret
save:   addi a0, a0, 4
        jr t0
on:     addi a0, a0, 8
        tail back
        .text
far:    beqz zero, 1f
        .rept 1100
        addi a1, a1, 1
        .endr
1:      addi a0, a0, 16
        bne a0, zero, 2f
        .space 4096
2:      bltu a0, zero, far
        addi a0, a0, 16
        blez a0, f
        bgt a0, zero, 3f
        .space 5000
3:      addi a0, a0, 64
        li a7, 93
        ecall
