# Wait for a timer with wfi, three times; mtvec has a table of vectors. Prints a dot each time.
#
# output: "...\n"
# steps: 113

        .machine rv32ima
        .equ mtimecmp, 0x02004000

        la   t0, vectors
        addi t0, t0, 1                  # vectored
        csrw mtvec, t0
        li   s0, 3
        jal  later
        li   t0, 1 << 7                 # mie.MTIE
        csrw mie, t0
        csrsi mstatus, 8                # mstatus.MIE
sleep:  wfi
        bnez s0, sleep

        csrci mstatus, 8
        la   a1, line
        jal  print
        li   a0, 0x18                   # end, with status 0
        li   a1, 0x20026
        j    ask

later:  li   t1, mtimecmp               # mtimecmp := time + 12
        rdtime t2
        addi t2, t2, 12
        sw   t2, 0(t1)
        ret

timer:  csrr t0, mcause
        bgez t0, fail                   # no interrupt
        addi s0, s0, -1
        la   a1, dot
        jal  print
        jal  later
        mret

print:  li   a0, 4                      # semihosting: write a string
ask:    slli zero, zero, 31
        ebreak
        srai zero, zero, 7
        ret

fail:   li   a0, 0x18                   # end, with status 1
        li   a1, 0x20023
        j    ask

dot:    .asciz "."
line:   .asciz "\n"
        .align 7
vectors:
        j    fail
        .word 0, 0, 0, 0, 0, 0
        j    timer
