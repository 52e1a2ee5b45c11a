# A trap handler emulates an instruction that no machine has: in the space for custom instructions,
# .word 0xb | rd << 7 | rs1 << 15 counts the ones of a register. Prints 7.
#
# output: "7\n"
# steps: 121

        .machine rv32ima

        la   t0, handler
        csrw mtvec, t0
        li   a0, 0x1234A0
        .word 0xb | 12 << 7 | 10 << 15  # a2 := the ones of a0
        addi a2, a2, '0'
        la   a1, text
        sb   a2, (a1)
        li   a0, 4                      # semihosting: write a string
        jal  ask
        li   a0, 0x18                   # end, with status 0
        li   a1, 0x20026
ask:    slli zero, zero, 31
        ebreak
        srai zero, zero, 7
        ret

handler:                                # it saves two registers, and may use any other of t0 to t6
        csrw mscratch, a0
        csrr t0, mcause
        li   t1, 2                      # an illegal instruction
        bne  t0, t1, stop
        csrr t2, mepc
        lw   t3, (t2)
        andi t4, t3, 0x7f
        li   t1, 0xb
        bne  t4, t1, stop
        li   t5, 0
ones:   andi t6, a0, 1                  # rs1 is a0 and rd is a2 here
        add  t5, t5, t6
        srli a0, a0, 1
        bnez a0, ones
        mv   a2, t5
        addi t2, t2, 4
        csrw mepc, t2
        csrr a0, mscratch
        mret
stop:   li   a0, 0x18                   # end, with status 1
        li   a1, 0x20023
        j    ask

        .align 2
text:   .asciz "0\n"
