# exit: 108
# Words whose upper bits are ones are negative immediates; numbers for registers.
        .globl _start
_start: li a0, 0xbf
        andi a0, a0, 0xfffffff0         # 176
        addi t0, zero, 0xffffffff
        add a0, a0, t0                  # 175
        li t1, 3
        sll t1, t1, 5
        add t1, t1, 15
        and t1, t1, -16
        or t1, t1, 1
        xor t1, t1, 4                   # 101
        srl t2, t1, 1                   # 50
        sra t3, t0, 4                   # -1
        slt t4, t3, 5                   # 1
        sltu t5, t3, 5                  # 0
        add a0, t1, t4
        add a0, a0, t5
        add a0, a0, t3                  # 101
        addi a0, a0, 7
        la sp, data + 16
        sw a0, 0xfffffff8(sp)
        lw a0, -8(sp)
        li a7, 93
        ecall
        .data
data:   .space 16
