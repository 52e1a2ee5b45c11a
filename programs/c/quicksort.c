// Quicksort (Hoare's partition) of 2,000 pseudo-random words, and proof that they are in order and
// still the same words.
//
// output: "2000 words in order, sum and exclusive or unchanged\n"
// steps: 218000

#include "lib/system.h"

enum { COUNT = 2000 };

static int32_t words[COUNT];

static void sort(int32_t *first, int32_t *last)
{
    while (first < last) {
        int32_t pivot = first[(last - first) / 2];
        int32_t *low = first - 1, *high = last + 1;
        for (;;) {
            do low++; while (*low < pivot);
            do high--; while (*high > pivot);
            if (low >= high)
                break;
            int32_t kept = *low;
            *low = *high;
            *high = kept;
        }
        if (high - first < last - high) { // the smaller part first: the stack stays shallow
            sort(first, high);
            first = high + 1;
        } else {
            sort(high + 1, last);
            last = high;
        }
    }
}

int main(void)
{
    uint32_t state = 2463534242u, sum = 0, mixed = 0; // xorshift: Marsaglia 2003
    for (int i = 0; i < COUNT; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        words[i] = (int32_t)state;
        sum += state;
        mixed ^= state;
    }
    sort(words, words + COUNT - 1);
    int ordered = 1;
    for (int i = 0; i < COUNT; i++) {
        ordered &= i == 0 || words[i - 1] <= words[i];
        sum -= (uint32_t)words[i];
        mixed ^= (uint32_t)words[i];
    }
    put_number(COUNT);
    put_text(ordered ? " words in order, " : " words in disorder, ");
    put_text(sum == 0 && mixed == 0 ? "sum and exclusive or unchanged\n" : "and not the same\n");
    return ordered ? 0 : 1;
}
