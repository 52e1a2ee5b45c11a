# exit: 61
# Arguments are texts; only \name is a parameter; defaults, names, \@, \(), .exitm, .purgem.
        .globl _start
        .macro pair a0, a1              # names of registers as parameters: mv a0 means a0
        addi a0, a0, \a0
        addi a1, a1, \a1
        .endm
        .macro scaled r, x, by=2
        addi \r, \r, \x*\by
        .endm
        .macro needed op:req, r, rest:vararg
        \op \r, \r, \rest
        .endm
        .macro named label
        j .L\label\()_\@
        li a0, 77
.L\label\()_\@:
        .endm
        .macro count n
        .if \n == 0
        .exitm
        .endif
        addi a0, a0, 1
        count \n-1
        .endm
        .macro around r, out
1:      beqz \r, \out
        addi \r, \r, -1
        j 1b
        .endm
        .macro li x                     # gone again before it is used
        .error "never"
        .endm
        .purgem li
_start: li a0, 0
        li a1, 0
        pair 1, 2                       # 1, 2
        pair a1=3, a0=4                 # 5, 5
        scaled a0, 1+2, 3               # +7
        scaled a0, 5                    # +10
        scaled by=3 x=2 r=a0            # +6
        needed add a0 a1                # +5
        needed op=addi, r=a0, rest=1 + 2
        named skip
        named skip
        count 5
        li t0, 3
        around t0, 1f
        li a0, 99
1:      .macro outer x
        .macro inner_\x y
        addi a0, a0, \x + \y
        .endm
        .endm
        outer 4
        inner_4 16
        li a7, 93
        ecall
