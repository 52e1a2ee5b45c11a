# exit: 8
# What compilers write for linkers and debuggers.
        .file "x.c"
        .option nopic
        .attribute arch, "rv32i2p0_m2p0"
        .attribute 4, 16
        .attribute 5, "rv32i2p0_m2p0"
        .text
        .globl _start
        .hidden _start
        .extern printf
        .type _start, %function
        .type f, @function
        .file 1 "x.c"
_start:
.LFB0:
        .cfi_startproc
        .loc 1 3 5
        li a0, 2
        call f@plt
        .loc 1 4 5 is_stmt 0 view .LVU1
        li a7, 93
        ecall
        .cfi_endproc
        .size _start, .-_start
f:      .cfi_startproc
        addi sp, sp, -16
        .cfi_def_cfa_offset 16
        .cfi_offset 1, -4
        .cfi_remember_state
        li t0, 4
        mul a0, a0, t0
        addi sp, sp, 16
        .cfi_restore 1
        .cfi_def_cfa_offset 0
        ret
        .cfi_endproc
.Letext0:
        .section .debug_info,"",@progbits
        .4byte .Letext0
        .byte 1
        .uleb128 0x85
        .sleb128 -3
        .section ".note.GNU-stack","",@progbits
        .ident "GCC"
        .end
        this is not read
