// System calls of newlib and of the proxy kernel by ECALL: the number in a7, the result in a0.

#include "system.h"

enum { READ = 63, WRITE = 64, EXIT = 93, BRK = 214 };

static uint32_t call(uint32_t number, uint32_t a, uint32_t b, uint32_t c)
{
    register uint32_t a0 __asm__("a0") = a;
    register uint32_t a1 __asm__("a1") = b;
    register uint32_t a2 __asm__("a2") = c;
    register uint32_t a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}

static char out[128], in[128];
static uint32_t collected, taken, received;

static void flush(void)
{
    if (collected)
        call(WRITE, 1, (uint32_t)out, collected);
    collected = 0;
}

void put_byte(int byte)
{
    out[collected++] = (char)byte;
    if (byte == '\n' || collected == sizeof out)
        flush();
}

void put_text(const char *text)
{
    while (*text)
        put_byte(*text++);
}

void put_number(int32_t number)
{
    char digits[11];
    int count = 0;
    uint32_t rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
    if (number < 0)
        put_byte('-');
    do
        digits[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    while (count)
        put_byte(digits[--count]);
}

void put_hexadecimal(uint32_t number, int digits)
{
    while (digits--)
        put_byte("0123456789abcdef"[number >> 4 * digits & 15]);
}

int get_byte(void)
{
    if (taken == received) {
        received = call(READ, 0, (uint32_t)in, sizeof in);
        taken = 0;
    }
    return taken < received ? (unsigned char)in[taken++] : -1;
}

void *more_memory(size_t bytes)
{
    uint32_t begin = (call(BRK, 0, 0, 0) + 7) & ~7u;
    return call(BRK, begin + bytes, 0, 0) == begin + bytes ? (void *)begin : NULL;
}

_Noreturn void leave(int code)
{
    flush();
    for (;;)
        call(EXIT, (uint32_t)code, 0, 0);
}

// The compiler calls these by itself.

void *memcpy(void *to, const void *from, size_t bytes)
{
    char *target = to;
    const char *source = from;
    while (bytes--)
        *target++ = *source++;
    return to;
}

void *memset(void *to, int byte, size_t bytes)
{
    char *target = to;
    while (bytes--)
        *target++ = (char)byte;
    return to;
}
