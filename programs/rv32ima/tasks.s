# Two tasks that never give up the processor: a timer switches between them every 60 instructions.
# One prints `a`, the other `b`; after ten switches the program ends.
#
# output: "aabbaabbaabbabaabb\n"
# steps: 830

        .machine rv32ima
        .equ mtimecmp, 0x02004000

        la   t0, handler
        csrw mtvec, t0
        la   t0, second                 # the second task begins at its first instruction
        la   t1, other
        sw   t0, 0(t1)
        li   s11, 10                    # switches that are left
        jal  later
        li   t0, 1 << 7                 # mie.MTIE
        csrw mie, t0
        csrsi mstatus, 8                # mstatus.MIE

first:  la   a1, text_a
        li   a0, 4                      # semihosting: write a string
        slli zero, zero, 31
        ebreak
        srai zero, zero, 7
        li   a2, 12
wait_a: addi a2, a2, -1
        bnez a2, wait_a
        j    first

second: la   a1, text_b
        li   a0, 4
        slli zero, zero, 31
        ebreak
        srai zero, zero, 7
        li   a2, 12
wait_b: addi a2, a2, -1
        bnez a2, wait_b
        j    second

handler:                                # the tasks use a0, a1 and a2; the handler uses t0 to t3
        la   t0, other                  # exchange what the two tasks hold
        csrr t1, mepc
        lw   t2, 0(t0)
        sw   t1, 0(t0)
        csrw mepc, t2
        lw   t1, 4(t0)
        sw   a0, 4(t0)
        mv   a0, t1
        lw   t1, 8(t0)
        sw   a1, 8(t0)
        mv   a1, t1
        lw   t1, 12(t0)
        sw   a2, 12(t0)
        mv   a2, t1
        addi s11, s11, -1
        beqz s11, end
        jal  later
        mret

later:  li   t3, mtimecmp               # mtimecmp := time + 60
        rdtime t2
        addi t2, t2, 60
        sw   t2, 0(t3)
        ret

end:    la   a1, line
        li   a0, 4
        slli zero, zero, 31
        ebreak
        srai zero, zero, 7
        li   a0, 0x18
        li   a1, 0x20026
        slli zero, zero, 31
        ebreak
        srai zero, zero, 7

        .align 2
other:  .word 0, 0, 0, 0                # the program counter and a0, a1, a2 of the other task
text_a: .asciz "a"
text_b: .asciz "b"
line:   .asciz "\n"
