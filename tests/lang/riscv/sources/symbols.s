# exit: 53
# Symbols that are set again: what stands before sees the old value, what stands first the first.
        .globl _start
_start: li a0, 0
        la t0, first
        lw t0, 0(t0)
        add a0, a0, t0                  # 1
        .set n, 20
        addi a0, a0, n                  # 20
        .set n, n + 1
        addi a0, a0, n                  # 21
        n = n - 19
        addi a0, a0, n                  # 2
        .pushsection .data
first:  .word later
        .popsection
        .set later, 1
        .set later, 100
        .equ m, n + 1
        .equiv k, m * 2
        addi a0, a0, m + k              # 9
        li a7, 93
        ecall
