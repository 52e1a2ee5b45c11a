// Eight queens: all 92 ways to place them (A000170 of the OEIS), and the first of them as a picture.
//
// output: "Q.......\n....Q...\n.......Q\n.....Q..\n..Q.....\n......Q.\n.Q......\n...Q....\n92\n"
// steps: 88879

#include "lib/system.h"

enum { SIZE = 8, ALL = (1 << SIZE) - 1 };

static int places[SIZE], solutions;

static void show(void)
{
    for (int row = 0; row < SIZE; row++) {
        for (int column = 0; column < SIZE; column++)
            put_byte(places[row] >> column & 1 ? 'Q' : '.');
        put_byte('\n');
    }
}

static void place(int row, int columns, int falling, int rising)
{
    if (row == SIZE) {
        if (solutions++ == 0)
            show();
        return;
    }
    for (int free = ALL & ~(columns | falling | rising); free; free &= free - 1) {
        int queen = free & -free;
        places[row] = queen;
        place(row + 1, columns | queen, (falling | queen) << 1, (rising | queen) >> 1);
    }
}

int main(void)
{
    place(0, 0, 0, 0);
    put_number(solutions);
    put_byte('\n');
    return 0;
}
