# exit: 57
# .comm, .lcomm and .local: aligned by their size, shared by those who ask for the same name.
        .globl _start
        .comm byte, 1
        .comm word, 4
        .comm twelve, 12
        .comm wanted, 4, 64
        .comm word, 8
        .local mine
        .comm mine, 4, 4
        .lcomm also_mine, 5
        .bss
        .space 1
        .text
_start: la t0, word
        la t1, twelve
        la t2, wanted
        or a0, t0, t1
        andi a0, a0, 7                  # 0
        andi t2, t2, 63
        add a0, a0, t2                  # 0
        la t3, mine
        la t4, also_mine
        or t3, t3, t4
        andi t3, t3, 3
        add a0, a0, t3
        li t1, 57
        sw t1, 0(t0)
        lw t1, 0(t0)
        add a0, a0, t1
        li a7, 93
        ecall
