# Fibonacci numbers, as many as fit 32 bits without a sign.
#
# output: "0 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597 2584 4181 6765 10946 17711 28657 46368 75025 121393 196418 317811 514229 832040 1346269 2178309 3524578 5702887 9227465 14930352 24157817 39088169 63245986 102334155 165580141 267914296 433494437 701408733 1134903170 1836311903 2971215073 \n"
# steps: 11010

        .globl _start
        .text
_start: la sp, stack
        li s0, 0
        li s1, 1
1:      mv a0, s0
        call put_number
        li a0, ' '
        call put_byte
        add s2, s0, s1
        bltu s2, s1, 2f         # the sum has wrapped: s1 is the last
        mv s0, s1
        mv s1, s2
        j 1b
2:      mv a0, s1
        call put_number
        li a0, ' '
        call put_byte
        li a0, '\n'
        call put_byte
        li a0, 0
        li a7, 93
        ecall

        .include "lib/print.s"

        .bss
        .balign 16
        .space 64
stack:
