# exit: 16
# Directives, instructions and macros in other letters; numbers and dots in names.
        .globl _start
        .TEXT
        .Macro PutIn r, n
        li \r, \n
        .EndM
        .Set $v.1, 3
_start: PUTIN a0, 13
        ADD a0, a0, $v.1
10:     j 10f
        .Word 0
10:     beqz zero, 10f
        .word 0
10:
        li a7, 93
        ecall
