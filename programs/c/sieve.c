// Prime sieve (Eratosthenes), a bit for each odd number: how many primes there are below 20,000, and
// the last of them. There are 2262 (A000720 of the OEIS has π(n)).
//
// output: "2262 primes, the last is 19997\n"
// steps: 237314

#include "lib/system.h"

enum { LIMIT = 20000 };

static uint8_t crossed[LIMIT / 16 + 1];

static int is_crossed(int n) { return crossed[n >> 4] >> (n >> 1 & 7) & 1; }

int main(void)
{
    int count = 1, last = 2;
    for (int n = 3; n < LIMIT; n += 2) {
        if (is_crossed(n))
            continue;
        count++;
        last = n;
        if (n < 142)
            for (int m = n * n; m < LIMIT; m += 2 * n)
                crossed[m >> 4] |= (uint8_t)(1 << (m >> 1 & 7));
    }
    put_number(count);
    put_text(" primes, the last is ");
    put_number(last);
    put_byte('\n');
    return 0;
}
