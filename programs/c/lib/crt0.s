# The beginning of every C program: a stack, main, and exit with what main returns. Memory that is not
# loaded is zero from the start.

        .section .text.start, "ax"
        .globl _start
_start: la sp, __stack_top
        call main
        call leave
