# Primes below 60, by remainders of trial divisions.
#
# output: "2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59\n"
# steps: 1317

        .attribute arch, "rv32im"
        .globl _start
        .text
_start: la sp, stack
        li s0, 2                # the number
        li s1, 59               # the last one
next:   li t1, 2                # the divisor
try:    mul t2, t1, t1
        bgtu t2, s0, prime
        remu t2, s0, t1
        beqz t2, composite
        addi t1, t1, 1
        j try
prime:  mv a0, s0
        li a1, ' '
        bne s0, s1, 1f
        li a1, '\n'
1:      call put_number
composite:
        addi s0, s0, 1
        ble s0, s1, next
        li a0, 0
        li a7, 93               # exit
        ecall

        .include "lib/decimal.s"

        .bss
        .balign 16
        .space 32
stack:
