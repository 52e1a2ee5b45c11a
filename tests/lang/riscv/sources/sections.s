# exit: 31
# Sections by name, without flags and with them; what is not loaded is not in memory.
        .globl _start
        .section .init
_start: la t0, constant
        lw a0, 0(t0)
        la t0, small
        lbu t1, 0(t0)
        add a0, a0, t1
        call end
        .section .fini
end:    la t0, zeros
        lw t1, 0(t0)
        add a0, a0, t1
        la t0, own
        lw t1, 0(t0)
        add a0, a0, t1
        la t0, list
        lw t0, 0(t0)
        jr t0
        .section .text.unlikely, "ax", @progbits
cold:   la t0, .Lend - 4
        lw t1, 0(t0)
        add a0, a0, t1
        li a7, 93
        ecall
        .section .rodata.cst4, "aM", @progbits, 4
constant: .word 1
        .section .sdata, "aw"
small:  .byte 2
        .section .sbss, "aw", @nobits
        .balign 4
zeros:  .zero 4
        .section my.own, "aw"
        .balign 4
own:    .word 4
        .section .init_array
        .balign 4
list:   .word cold
        .section .data.more
        .balign 4
        .word 24
.Lend:
        .section .debug_info, "", @progbits
        .word 0xffffffff
        .section .comment
        .string "nothing"
