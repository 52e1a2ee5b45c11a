# Program 11 of seed 0, shrunk. after step 5, the instruction at 16: cpu, word `pc`, is 65552 and should be 16
# looped verify fuzz-rv32ima-32-0-11.s --set base=0 --set second=0 --memory 64 --steps 5 --engine event --dtype float32

.machine rv32ima

        .word 0x00000003  # 0x0: lb zero, 0(zero)
        .word 0x00000003  # 0x4: lb zero, 0(zero)
        .word 0x00400513  # 0x8: addi a0, zero, 4
        .word 0x30551073  # 0xc: csrrw zero, mtvec, a0
        .word 0x0001006f  # 0x10: jal zero, 0x10010
