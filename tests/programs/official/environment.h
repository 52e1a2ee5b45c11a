/* What surrounds a test in the format of the official RISC-V ones that run in physical memory
 * (`rv32ui-p-*`): reset and start-up through control registers, a trap handler that tells the host
 * how it ended, the word `tohost` on a page of its own. The text is our own.
 *
 * A test begins with BEGIN, sets `gp` to a number before each case, jumps to `fail` if a case goes
 * wrong, and ends with END. */

#define NEXT_HANDLER la t0, 1f; csrw mtvec, t0
#define HERE .align 2; 1:

#define BEGIN                                                                                       \
        .section .text.init;                                                                        \
        .align 6;                                                                                   \
        .weak mtvec_handler, stvec_handler;                                                         \
        .globl _start;                                                                              \
_start: j reset;                                                                                    \
        .align 2;                                                                                   \
on_trap:                                                                                            \
        csrr t5, mcause;                                                                            \
        li t6, 8; beq t5, t6, report;       /* ECALL from user mode, */                              \
        li t6, 9; beq t5, t6, report;       /* supervisor mode, */                                   \
        li t6, 11; beq t5, t6, report;      /* machine mode */                                       \
        la t5, mtvec_handler; beqz t5, 1f; jr t5;                                                   \
1:      ori gp, gp, 1337;                   /* no trap that the test expects */                      \
report: sw gp, tohost, t5;                                                                          \
        sw zero, tohost + 4, t5;                                                                    \
        j report;                                                                                   \
reset:  .irp number, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31; \
        li x\number, 0;                                                                             \
        .endr;                                                                                      \
        csrr a0, mhartid;                                                                           \
1:      bnez a0, 1b;                                                                                \
        NEXT_HANDLER; csrwi 0x744, 8; HERE      /* mnstatus */                                       \
        NEXT_HANDLER; csrwi satp, 0; HERE                                                           \
        NEXT_HANDLER;                                                                               \
        li t0, 0x7fffffff; csrw pmpaddr0, t0;                                                       \
        li t0, 0x1f; csrw pmpcfg0, t0; HERE                                                         \
        csrwi mie, 0;                                                                               \
        NEXT_HANDLER; csrwi medeleg, 0; csrwi mideleg, 0; HERE                                      \
        li gp, 0;                                                                                   \
        la t0, on_trap; csrw mtvec, t0;                                                             \
        la t0, stvec_handler; beqz t0, 1f;                                                          \
        csrw stvec, t0; li t0, 0xb109; csrw medeleg, t0;                                            \
1:      csrwi mstatus, 0;                                                                           \
        la t0, 1f; csrw mepc, t0;                                                                   \
        csrr a0, mhartid;                                                                           \
        mret;                                                                                       \
        .section .text;                                                                             \
1:

#define END                                                                                         \
        bne zero, gp, pass;                                                                         \
fail:   fence;                                                                                      \
1:      beqz gp, 1b;                                                                                \
        slli gp, gp, 1; ori gp, gp, 1;                                                              \
        li a7, 93; mv a0, gp; ecall;                                                                \
pass:   fence;                                                                                      \
        li gp, 1; li a7, 93; li a0, 0; ecall;                                                       \
        unimp;                                                                                      \
        .pushsection .tohost, "aw", @progbits;                                                      \
        .align 6; .globl tohost; tohost: .dword 0; .size tohost, 8;                                 \
        .align 6; .globl fromhost; fromhost: .dword 0; .size fromhost, 8;                           \
        .popsection
