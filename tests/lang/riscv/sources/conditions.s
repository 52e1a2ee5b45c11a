# exit: 85
# Conditions, nested and in macros.
        .globl _start
        .equ fast, 0
        .macro if_given x, y
        .ifb \y
        addi a0, a0, 1
        .else
        addi a0, a0, \y
        .endif
        .ifc \x, a0
        addi a0, a0, 2
        .endif
        .ifnc \x, a0
        addi a0, a0, 4
        .endif
        .endm
_start: li a0, 0
        .if fast
        .if 1
        li a0, 3
        .else
        this is not read
        .endif
        .elseif fast == 0
        addi a0, a0, 8
        .elseif nobody asks
        .else
        li a0, 4
        .endif
        if_given a0
        if_given a1, 16
        .ifdef fast
        .ifndef slow
        .ifnotdef _start
        .else
        addi a0, a0, 22
        .endif
        .endif
        .endif
        .ifeq fast
        addi a0, a0, 1
        .endif
        .ifne fast
        addi a0, a0, 100
        .endif
        .ifgt 3
        .ifge 0
        .iflt -1
        .ifle 0
        addi a0, a0, 1
        .endif
        .endif
        .endif
        .endif
        .ifnb x
        .ifeqs "a,b", "a,b"
        .ifnes "a", "b"
        .if . - _start >= 4 && . - _start < 400
        addi a0, a0, 30
        .endif
        .endif
        .endif
        .endif
        li a7, 93
        ecall
