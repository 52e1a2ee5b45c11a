# Count with atomic instructions: amoadd.w, and lr.w with sc.w, which may fail. Prints 30.
#
# output: "30\n"
# steps: 91

        .machine rv32ima

        li   s0, 10
        la   s1, count
        li   s2, 2
add:    amoadd.w zero, s2, (s1)         # count += 2
retry:  lr.w a0, (s1)                   # count += 1, if nobody has changed it
        addi a0, a0, 1
        sc.w a1, a0, (s1)
        bnez a1, retry
        addi s0, s0, -1
        bnez s0, add

        lw   a0, (s1)
        li   a1, 10
        divu a2, a0, a1
        remu a3, a0, a1
        la   a1, text
        addi a2, a2, '0'
        addi a3, a3, '0'
        sb   a2, 0(a1)
        sb   a3, 1(a1)
        li   a0, 1                      # write(1, text, 3)
        li   a2, 3
        li   a7, 64
        ecall
        li   a0, 0                      # exit(0)
        li   a7, 93
        ecall

        .align 2
count:  .word 0
text:   .ascii "00\n"
