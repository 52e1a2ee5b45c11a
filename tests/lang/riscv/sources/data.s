# exit: 210
# Numbers of every size, fills, texts.
        .globl _start
_start: la t0, begin
        la t1, end
        li a0, 0
1:      lbu t2, 0(t0)
        add a0, a0, t2
        addi t0, t0, 1
        bne t0, t1, 1b
        andi a0, a0, 255
        li a7, 93
        ecall
        .data
begin:  .byte 1
        .2byte 0x1122
        .4byte 0x44332255
        .8byte 7, -1
        .hword 3; .short 4; .half 5; .int 6; .long 7; .quad 8; .dword 9
        .fill 3, 2, 0x44
        .fill 2
        .fill 2, 8, 0x11223344
        .space 3, 9
        .skip 2; .zero 2
        .ascii "a" "b", "\101\x42\n"
        .string "x", "y"; .asciz "z"
        .uleb128 0x85
        .sleb128 -3
        .float 1.5
        .double -0.25
end:
