// A plain RV32IM interpreter, to compare with (python -m benchmarks.peers).
//
//     riscv BASE ENTRY WORDS STEPS INPUT OUTPUT < memory > memory and registers
//
// Memory is WORDS words from the byte address BASE on. The system calls are read, write and exit of
// Linux, from the file INPUT and to the file OUTPUT; anything else that traps ends the program.
// Prints to stderr: steps, the program counter, seconds of the CPU.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint8_t *memory;
static uint32_t base, size, x[32];

static uint32_t field(uint32_t word, int low, int count) { return word >> low & ((1u << count) - 1); }
static int32_t extended(uint32_t value, int bits) { return (int32_t)(value << (32 - bits)) >> (32 - bits); }
static int inside(uint32_t at, uint32_t bytes) { return at - base <= size - bytes && (at & (bytes - 1)) == 0; }

static uint32_t load(uint32_t at, int bytes)
{
    uint32_t value = 0;
    memcpy(&value, memory + (at - base), bytes);
    return value;
}

static uint32_t multiplied(int kind, uint32_t a, uint32_t b)
{
    int64_t sa = (int32_t)a, sb = (int32_t)b;
    switch (kind) {
    case 0: return a * b;
    case 1: return (uint32_t)((sa * sb) >> 32);
    case 2: return (uint32_t)((sa * (int64_t)(uint64_t)b) >> 32);
    case 3: return (uint32_t)(((uint64_t)a * b) >> 32);
    case 4: return b == 0 ? UINT32_MAX : a == 0x80000000u && b == UINT32_MAX ? a : (uint32_t)((int32_t)a / (int32_t)b);
    case 5: return b == 0 ? UINT32_MAX : a / b;
    case 6: return b == 0 ? a : a == 0x80000000u && b == UINT32_MAX ? 0 : (uint32_t)((int32_t)a % (int32_t)b);
    default: return b == 0 ? a : a % b;
    }
}

static int computed(uint32_t word, uint32_t a, uint32_t b, int immediate, uint32_t *result)
{
    uint32_t kind = field(word, 12, 3), high = word >> 25;
    if (!immediate && high == 1) {
        *result = multiplied(kind, a, b);
        return 1;
    }
    int other = kind == 5 || (kind == 0 && !immediate);
    if ((!immediate || kind == 1 || kind == 5) && high != 0 && !(high == 32 && other))
        return 0;
    switch (kind) {
    case 0: *result = high == 32 && !immediate ? a - b : a + b; break;
    case 1: *result = a << (b & 31); break;
    case 2: *result = (int32_t)a < (int32_t)b; break;
    case 3: *result = a < b; break;
    case 4: *result = a ^ b; break;
    case 5: *result = high == 32 ? (uint32_t)((int32_t)a >> (b & 31)) : a >> (b & 31); break;
    case 6: *result = a | b; break;
    case 7: *result = a & b; break;
    }
    return 1;
}

static int called(FILE *input, FILE *output)
{
    uint32_t at = x[11], bytes = x[12];
    if ((x[17] != 63 && x[17] != 64) || at - base > size || bytes > size - (at - base))
        return 0;
    if (x[17] == 63)
        x[10] = (uint32_t)fread(memory + (at - base), 1, bytes, input);
    else
        x[10] = (uint32_t)fwrite(memory + (at - base), 1, bytes, output);
    return 1;
}

int main(int count, char **arguments)
{
    if (count != 7)
        return 2;
    base = strtoul(arguments[1], 0, 10);
    uint32_t pc = strtoul(arguments[2], 0, 10);
    size = 4 * strtoul(arguments[3], 0, 10);
    uint64_t steps = strtoull(arguments[4], 0, 10), done = 0;
    FILE *input = fopen(arguments[5], "rb"), *output = fopen(arguments[6], "wb");
    memory = calloc(size, 1);
    if (!input || !output || fread(memory, 1, size, stdin) == 0)
        return 2;
    clock_t start = clock();
    for (int running = 1; done < steps && running && inside(pc, 4); done += running) {
        uint32_t word = load(pc, 4), next = pc + 4, result = 0, at;
        uint32_t to = field(word, 7, 5), kind = field(word, 12, 3);
        uint32_t a = x[field(word, 15, 5)], b = x[field(word, 20, 5)];
        int writes = 1, taken, bytes;
        switch (word & 0x7f) {
        case 0x37: result = word & 0xfffff000; break;
        case 0x17: result = pc + (word & 0xfffff000); break;
        case 0x6f:
            result = next;
            next = pc + extended(field(word, 31, 1) << 20 | field(word, 12, 8) << 12 | field(word, 20, 1) << 11 | field(word, 21, 10) << 1, 21);
            break;
        case 0x67:
            result = next;
            next = (a + extended(word >> 20, 12)) & ~1u;
            running = kind == 0;
            break;
        case 0x63:
            writes = 0;
            taken = kind < 2 ? a == b : kind < 6 ? (int32_t)a < (int32_t)b : a < b;
            running = kind != 2 && kind != 3;
            if (taken != (int)(kind & 1))
                next = pc + extended(field(word, 31, 1) << 12 | field(word, 7, 1) << 11 | field(word, 25, 6) << 5 | field(word, 8, 4) << 1, 13);
            break;
        case 0x03:
            at = a + extended(word >> 20, 12);
            bytes = 1 << (kind & 3);
            running = kind != 3 && kind < 6 && inside(at, bytes);
            if (running)
                result = kind == 0 ? (uint32_t)extended(load(at, 1), 8) : kind == 1 ? (uint32_t)extended(load(at, 2), 16) : load(at, bytes);
            break;
        case 0x23:
            writes = 0;
            at = a + extended(word >> 25 << 5 | to, 12);
            bytes = 1 << kind;
            running = kind < 3 && inside(at, bytes);
            if (running)
                memcpy(memory + (at - base), &b, bytes);
            break;
        case 0x13: running = computed(word, a, extended(word >> 20, 12), 1, &result); break;
        case 0x33: running = computed(word, a, b, 0, &result); break;
        case 0x0f: writes = 0; break;
        case 0x73:
            writes = 0;
            running = word == 0x73 && called(input, output);
            break;
        default: running = 0;
        }
        if (!running)
            break;
        if (writes && to)
            x[to] = result;
        pc = next;
    }
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    fwrite(memory, 1, size, stdout);
    fwrite(x, 4, 32, stdout);
    fprintf(stderr, "%llu %u %.6f\n", (unsigned long long)done, pc, seconds);
    return fclose(output) != 0;
}
