# Prime sieve (Eratosthenes): the primes below LIMIT, with a byte a number.
#
# output: "2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71 73 79 83 89 97 \n"
# steps: 5677

        .equ LIMIT, 100

        .globl _start
        .text
_start: la sp, stack
        la s0, marks
        li s1, 2                # the number in question
        li s2, LIMIT
next:   add t0, s0, s1
        lbu t1, 0(t0)
        bnez t1, crossed
        mv a0, s1
        call put_number
        li a0, ' '
        call put_byte
        slli s3, s1, 1          # cross out 2n, 3n, …
cross:  bgeu s3, s2, crossed
        add t0, s0, s3
        li t1, 1
        sb t1, 0(t0)
        add s3, s3, s1
        j cross
crossed:
        addi s1, s1, 1
        bltu s1, s2, next
        li a0, '\n'
        call put_byte
        li a0, 0
        li a7, 93
        ecall

        .include "lib/print.s"

        .bss
marks:  .space LIMIT
        .balign 16
        .space 64
stack:
