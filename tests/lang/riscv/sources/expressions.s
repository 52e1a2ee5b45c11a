# exit: 171
# Operators, their strength, and numbers of 64 bits.
        .globl _start
_start: li a0, 0
        addi a0, a0, (3 > 2 && 1 != 2) + !0     # 2
        addi a0, a0, 1 + 2 << 3                 # 1 + (2 << 3) = 17
        addi a0, a0, 6 | 1 + 8                  # (6 | 1) + 8 = 15
        addi a0, a0, -8 >> 60                   # 15
        addi a0, a0, -7 / 2                     # -3
        addi a0, a0, -7 % 3                     # -1
        addi a0, a0, -(1 == 1) + (2 <> 2)       # 1
        addi a0, a0, 5 ! 3                      # 5 | ~3 = -3
        addi a0, a0, (0 || 5) + ~0 + 010        # 1 - 1 + 8
        addi a0, a0, 0b101 ^ 0x10               # 21
        addi a0, a0, (1 << 63) >> 62            # 2
        addi a0, a0, 'a                         # 97
        addi a0, a0, '\n' - ';' + '#' + '"'     # 20
        addi a0, a0, 'z - 'a - 45               # -20
        li a7, 93
        ecall
