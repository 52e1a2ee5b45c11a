# put_number: puts out a0 in decimal, without a sign, and then the byte a1.
# It changes no register but a0 to a3, a7 and t0, and uses the caller's stack.

        .text
put_number:
        addi sp, sp, -16
        addi a2, sp, 15         # bytes go from here downwards
        sb a1, 0(a2)
        li t0, 10
1:      remu a3, a0, t0
        divu a0, a0, t0
        addi a3, a3, '0'
        addi a2, a2, -1
        sb a3, 0(a2)
        bnez a0, 1b
        mv a1, a2
        addi a2, sp, 16
        sub a2, a2, a1          # the number of bytes
        li a0, 1                # the standard output
        li a7, 64               # write
        ecall
        addi sp, sp, 16
        ret
