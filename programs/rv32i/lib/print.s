# put_byte: puts out the low byte of a0. put_number: puts out a0 in decimal, without a sign.
# Both keep every register but a0 to a3, a7, t0 and t1, and use the caller's stack.

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
        addi sp, sp, -32
        sw ra, 28(sp)
        mv a3, a0
        addi a1, sp, 16         # digits are made from the last to the first
next_digit:
        li t1, 0                # a3 / 10, bit by bit: quotient in t1, remainder in t0
        li t0, 0
        li a2, 32
divide: slli t0, t0, 1
        srli a7, a3, 31
        or t0, t0, a7
        slli a3, a3, 1
        slli t1, t1, 1
        li a7, 10
        bltu t0, a7, smaller
        sub t0, t0, a7
        ori t1, t1, 1
smaller:
        addi a2, a2, -1
        bnez a2, divide
        addi t0, t0, '0'
        addi a1, a1, -1
        sb t0, 0(a1)
        mv a3, t1
        bnez a3, next_digit
        addi a2, sp, 16
        sub a2, a2, a1
        li a0, 1
        li a7, 64
        ecall
        lw ra, 28(sp)
        addi sp, sp, 32
        ret
