# A linked list whose links are in the data: reversed in place, then walked.
#
# output: "list\ntsil\n"
# steps: 113

        .globl _start
        .text
_start: la s0, first
        call show
        li t0, 0                # reverse: each link is turned around
1:      lw t1, 0(s0)
        sw t0, 0(s0)
        mv t0, s0
        mv s0, t1
        bnez s0, 1b
        mv s0, t0
        call show
        li a0, 0
        li a7, 93
        ecall

# put out the letters of the list at s0, and a line end
show:   mv s1, s0
1:      beqz s1, 2f
        li a0, 1
        addi a1, s1, 4
        li a2, 1
        li a7, 64
        ecall
        lw s1, 0(s1)
        j 1b
2:      li a0, 1
        la a1, line_end
        li a2, 1
        li a7, 64
        ecall
        ret

        .data
        .balign 4
third:  .word fourth, 's'
first:  .word second, 'l'
fourth: .word 0, 't'
second: .word third, 'i'
line_end:
        .byte '\n'
