// The product of two matrices, 16 rows of 16 numbers: the sum of its diagonal and a checksum of all.
//
// output: "trace -12768, checksum 7fb0f500\n"
// steps: 163308

#include "lib/system.h"

enum { SIDE = 16 };

static int32_t a[SIDE][SIDE], b[SIDE][SIDE], product[SIDE][SIDE];

int main(void)
{
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            a[i][j] = (7 * i + 3 * j) % 32 - 16;
            b[i][j] = (5 * i + 11 * j) % 64;
        }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            for (int k = 0; k < SIDE; k++)
                product[i][j] += a[i][k] * b[k][j];
    int32_t trace = 0;
    uint32_t checksum = 0;
    for (int i = 0; i < SIDE; i++) {
        trace += product[i][i];
        for (int j = 0; j < SIDE; j++)
            checksum = checksum * 31 + (uint32_t)product[i][j];
    }
    put_text("trace ");
    put_number(trace);
    put_text(", checksum ");
    put_hexadecimal(checksum, 8);
    put_byte('\n');
    return 0;
}
