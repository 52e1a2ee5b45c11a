# put_byte: puts out the low byte of a0. put_number: puts out a0 in decimal, without a sign.
# Both change no register but a0 to a3, a7, t0 and t1, and use the caller's stack.

        .text
put_byte:
        addi sp, sp, -16
        sb a0, 0(sp)
        mv a1, sp
        li a2, 1
        li a0, 1                # the standard output
        li a7, 64               # write
        ecall
        addi sp, sp, 16
        ret

put_number:
        addi sp, sp, -16
        la t0, powers_of_ten
        mv a1, sp               # the first digit
        mv a2, sp               # the place of the next
next_digit:
        lw t1, 0(t0)
        li a3, '0'
count_up:
        bltu a0, t1, counted_up
        sub a0, a0, t1
        addi a3, a3, 1
        j count_up
counted_up:
        li a7, 1
        beq t1, a7, significant # the last digit is put out even if it is zero
        li a7, '0'
        bne a3, a7, significant
        beq a1, a2, skipped     # no leading zeros
significant:
        sb a3, 0(a2)
        addi a2, a2, 1
skipped:
        addi t0, t0, 4
        li a7, 1
        bne t1, a7, next_digit
        sub a2, a2, a1          # the number of digits
        li a0, 1
        li a7, 64
        ecall
        addi sp, sp, 16
        ret

        .section .rodata
        .balign 4
powers_of_ten:
        .word 1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1
