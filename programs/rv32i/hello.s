# Hello: one system call puts out a text, another one ends the program.
#
# output: "Hello from RV32I!\n"
# steps: 8

        .globl _start
        .text
_start: li a0, 1                # the standard output
        la a1, text
        li a2, length
        li a7, 64               # write
        ecall
        li a7, 93               # exit, with a0 as the code; write has put its length there
        ecall

        .section .rodata
text:   .ascii "Hello from RV32I!\n"
        .equ length, 18
