# Greatest common divisors (Euclid): pairs from a table, remainders by subtracting shifted divisors.
#
# output: "21 1 6 1000000 17\n"
# steps: 1334

        .globl _start
        .text
_start: la sp, stack
        la s0, pairs
        la s1, end
next:   lw a0, 0(s0)
        lw a1, 4(s0)
        call gcd
        call put_number
        addi s0, s0, 8
        beq s0, s1, done
        li a0, ' '
        call put_byte
        j next
done:   li a0, '\n'
        call put_byte
        li a0, 0
        li a7, 93
        ecall

# the greatest common divisor of a0 and a1 in a0
gcd:    beqz a1, 9f
        mv t0, a1               # the divisor, shifted while it fits below the dividend
1:      bltz t0, 2f
        slli t1, t0, 1
        bgtu t1, a0, 2f
        mv t0, t1
        j 1b
2:      bltu t0, a1, 3f
        bltu a0, t0, 4f
        sub a0, a0, t0
4:      srli t0, t0, 1
        j 2b
3:      mv t0, a0               # gcd(b, a mod b)
        mv a0, a1
        mv a1, t0
        j gcd
9:      ret

        .include "lib/print.s"

        .section .rodata
        .balign 4
pairs:  .word 1071, 462, 3000000000, 7, 48, 18, 1000000, 3000000, 17, 0
end:

        .bss
        .balign 16
        .space 64
stack:
