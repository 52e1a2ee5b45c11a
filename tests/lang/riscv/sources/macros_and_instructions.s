# exit: 12
# Pseudo-instructions are the machine's, whatever macros have the names of instructions.
        .globl _start
        .macro sub d, a, b
        add \d, \a, \b
        .endm
        .macro addi d, a, b
        .error "a macro in a pseudo-instruction"
        .endm
        .macro MOVE3 d, e, f, g         # small and capital letters are the same
        move \d, \g
        move \e, \g
        move \f, \g
        .endm
_start: li a1, 4
        neg a0, a1
        neg a0, a0
        Move3 a2, a3, a4, a1
        sub a0, a2, a3
        nop
        add a0, a0, a4
        li a7, 93
        ecall
