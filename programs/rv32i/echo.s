# Echo: puts out its input, 16 bytes at a time, until read returns nothing.
#
# input: "to be, or not to be: that is the question\n"
# output: "to be, or not to be: that is the question\n"
# steps: 46

        .globl _start
        .text
_start: la s0, buffer
again:  li a0, 0                # the standard input
        mv a1, s0
        li a2, 16
        li a7, 63               # read
        ecall
        beqz a0, end
        mv a2, a0
        li a0, 1
        mv a1, s0
        li a7, 64               # write
        ecall
        j again
end:    li a7, 93               # exit
        ecall

        .bss
buffer: .space 16
