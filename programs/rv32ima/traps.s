# Instructions that trap, one after the other, and what mcause, mtval and mepc say then. Prints `ok`.
#
# output: "ok\n"
# steps: 281

        .machine rv32ima

        la   t0, handler
        csrw mtvec, t0
        la   s0, table
        la   s1, word
        la   s5, slot
        addi a1, s1, 2                  # no multiple of 4
        li   a4, 0x100000               # outside memory
next:   lw   t0, 0(s0)
        sw   t0, 0(s5)
        fence.i
        csrsi mstatus, 8
        li   s2, -1
slot:   .word 0
        lw   t2, 4(s0)
        bne  s2, t2, fail
        lw   t2, 8(s0)
        bne  s3, t2, fail
        bne  s4, s5, fail
        csrr t2, mstatus                # mret has enabled interrupts again
        andi t2, t2, 8
        beqz t2, fail
        addi s0, s0, 12
        bne  s0, s1, next

        csrw mtvec, zero                # the host serves what follows
        li   a0, 1                      # write(1, text, 3)
        la   a1, text
        li   a2, 3
        li   a7, 64
        ecall
        li   a0, 0                      # exit(0)
stop:   li   a7, 93
        ecall
fail:   csrw mtvec, zero
        li   a0, 1                      # exit(1)
        j    stop

handler:
        csrr s2, mcause
        csrr s3, mtval
        csrr s4, mepc
        addi t3, s4, 4
        csrw mepc, t3
        csrr t3, mstatus                # interrupts are disabled
        andi t3, t3, 8
        bnez t3, fail
        mret

        .align 2
table:  .word 0, 2, 0                   # no instruction
        csrr a0, 0x7c0                  # no such control register
        .word 2, 0
        csrw cycle, a0                  # cannot be written
        .word 2, 0
        lw   a0, 0(a1)
        .word 4, word + 2
        sw   a0, 0(a1)
        .word 6, word + 2
        lr.w a0, (a1)
        .word 4, word + 2
        amoadd.w a0, a0, (a1)
        .word 6, word + 2
        lw   a0, 0(a4)
        .word 5, 0x100000
        sc.w a0, a0, (a4)
        .word 7, 0x100000
        ecall
        .word 11, 0
word:   .word 0
text:   .ascii "ok\n"
