# Hello: one system call puts out a text, another one ends the program.
#
# output: "Hello from RV32I!\n"
# steps: 9

        .equ length, 18

        .globl _start
        .text
_start: li a0, 1                # the standard output
        la a1, text
        li a2, length
        li a7, 64               # write
        ecall
        li a0, 0                # in a0 write has put the number of bytes; 0 means that all went well
        li a7, 93               # exit
        ecall

        .section .rodata
text:   .ascii "Hello from RV32I!\n"
