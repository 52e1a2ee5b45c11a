# exit: 254
# Pseudo-instructions of GNU as.
        .globl _start
_start: li a1, 0x7fe
        sext.b a0, a1                   # -2
        move a2, a0
        li a3, 0x18000
        sext.h a4, a3
        zext.h a5, a3
        sub a5, a5, a4
        srl a5, a5, 16                  # 1
        add a0, a2, a5
        zext.b a0, a0
        add a0, a0, -1
        beqz zero, 1f
        li a0, 99
1:
        li a7, 93
        scall
