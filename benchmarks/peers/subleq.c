// A plain SUBLEQ interpreter, to compare with (python -m benchmarks.peers).
//
//     subleq WIDTH MEMORY STEPS < memory > memory
//
// Memory is MEMORY words (a power of two) of 32 bits each, of which WIDTH are used. Input and output
// (a = -1, b = -1) are left out. Prints to stderr: steps, the program counter, seconds of the CPU.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int count, char **arguments)
{
    if (count != 4)
        return 2;
    int width = atoi(arguments[1]);
    uint32_t size = strtoul(arguments[2], 0, 10), *memory = calloc(size, sizeof *memory);
    uint64_t steps = strtoull(arguments[3], 0, 10), done = 0;
    uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1, sign = 1u << (width - 1);
    uint32_t in = size - 1, pc = 0;
    if (fread(memory, sizeof *memory, size, stdin) == 0)
        return 2;
    clock_t start = clock();
    while (done < steps && !(pc & sign)) {
        uint32_t a = memory[pc & in], b = memory[(pc + 1) & in], c = memory[(pc + 2) & in];
        uint32_t result = (memory[b & in] - memory[a & in]) & mask;
        memory[b & in] = result;
        pc = result == 0 || result & sign ? c : (pc + 3) & mask;
        done++;
    }
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    fwrite(memory, sizeof *memory, size, stdout);
    fprintf(stderr, "%llu %u %.6f\n", (unsigned long long)done, pc, seconds);
    return 0;
}
