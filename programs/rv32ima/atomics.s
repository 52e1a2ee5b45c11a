# Every atomic instruction on words that show what it does, then lr.w with sc.w. It puts each
# instruction of a table into its own way, so fence.i is needed too. Prints `ok`.
#
# output: "ok\n"
# steps: 149

        .machine rv32ima

        la   s0, table
        la   s1, word
        la   s2, slot
        la   a2, word
next:   lw   t0, 0(s0)
        sw   t0, 0(s2)
        fence.i
        lw   t1, 4(s0)                  # what memory holds before
        sw   t1, 0(a2)
        lw   a1, 8(s0)                  # the operand
slot:   .word 0                         # a0 := what memory held
        bne  a0, t1, fail
        lw   t2, 0(a2)
        lw   t3, 12(s0)                 # what memory holds after
        bne  t2, t3, fail
        addi s0, s0, 16
        bne  s0, s1, next

        lr.w a0, (a2)
        sc.w a3, a1, (a2)
        bnez a3, fail
        lw   a0, 0(a2)
        bne  a0, a1, fail
        sc.w a3, a0, (a2)               # the reservation is gone
        beqz a3, fail
        addi a4, a2, 4
        lr.w a0, (a2)
        sc.w a3, a0, (a4)               # the reservation is of another word
        beqz a3, fail
        sc.w a3, zero, (a2)             # and is gone now
        beqz a3, fail
        lw   a0, 0(a2)
        bne  a0, a1, fail

        li   a0, 1                      # write(1, text, 3)
        la   a1, text
        li   a2, 3
        li   a7, 64
        ecall
        li   a0, 0                      # exit(0)
stop:   li   a7, 93
        ecall
fail:   li   a0, 1                      # exit(1)
        j    stop

        .align 2
table:  amoswap.w a0, a1, (a2)
        .word 5, 7, 7
        amoadd.w a0, a1, (a2)
        .word 0xffffffff, 2, 1
        amoxor.w a0, a1, (a2)
        .word 6, 3, 5
        amoand.w a0, a1, (a2)
        .word 6, 3, 2
        amoor.w a0, a1, (a2)
        .word 6, 3, 7
        amomin.w a0, a1, (a2)
        .word 0xffffffff, 1, 0xffffffff
        amomax.w a0, a1, (a2)
        .word 0x80000000, 1, 1
        amominu.w a0, a1, (a2)
        .word 0xffffffff, 1, 1
        amomaxu.w a0, a1, (a2)
        .word 0x80000000, 0x7fffffff, 0x80000000
word:   .word 0, 0
text:   .ascii "ok\n"
