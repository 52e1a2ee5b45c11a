# exit: 131
# .rept, .irp and .irpc, nested, with labels before them and numbers that are set again.
        .globl _start
_start: li a0, 0
again:  .rept 5
        addi a0, a0, 2
        .endr
        .rept 2
        .rept 3
        addi a0, a0, 1
        .endr
        .endr
        .irp r, t0, t1 t2, "t3"
        li \r, 3
        add a0, a0, \r
        .endr
        .irpc d, 123 4
        addi a0, a0, \d
        .endr
        .set i, 0
        .rept 4
        .irp k, 1, 2
        addi a0, a0, i * \k
        .endr
        .set i, i + 1
        .endr
        .rept 0
        this is not read
        .endr
        .irp empty
        addi a0, a0, 75\empty
        .endr
        li a7, 93
        ecall
