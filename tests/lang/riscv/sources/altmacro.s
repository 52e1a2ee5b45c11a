# exit: 42
# After .altmacro: bare names, LOCAL, <texts>, %values.
        .globl _start
        .altmacro
        .macro twice r, n
        LOCAL again, done
        li t0, n
again:  beqz t0, done
        addi r, r, 2
        addi t0, t0, -1
        j again
done:
        .endm
        .macro one text, value
        text
        addi a0, a0, value
        .endm
_start: li a0, 0
        twice a0, 3
        twice a0, 4
        one <addi a0, a0, 3>, %5*5
        .noaltmacro
        li a7, 93
        ecall
