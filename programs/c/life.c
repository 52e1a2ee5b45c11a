// The game of life, a word a row: the R pentomino on a torus of 32 × 32 after 100 generations. All 32
// cells of a row are counted at once, with adders made of logic.
//
// output: "...........###..................\n................................\n.........#.....#................\n.........#.....#................\n.........#.....#................\n................................\n...........###..................\n................................\n................................\n................................\n................................\n................................\n................................\n.................##.............\n.................##.....##......\n........................##......\n.....................#..........\n.......###.#.........#..........\n....######.##........#..........\n....#....#......................\n....#####.......................\n......#.........................\n................................\n................................\n................................\n................................\n................................\n................................\n................................\n................................\n................................\n................................\n"
// steps: 448169

#include "lib/system.h"

enum { ROWS = 32, GENERATIONS = 100 };

static uint32_t left(uint32_t row) { return row << 1 | row >> 31; }
static uint32_t right(uint32_t row) { return row >> 1 | row << 31; }

static uint32_t next_row(uint32_t above, uint32_t row, uint32_t below)
{
    uint32_t neighbours[8] = {
        left(above), above, right(above), left(row), right(row), left(below), below, right(below),
    };
    uint32_t ones = 0, twos = 0, more = 0; // the count of each cell, in bits; four and more is more
    for (int i = 0; i < 8; i++) {
        uint32_t carry = ones & neighbours[i];
        ones ^= neighbours[i];
        more |= twos & carry;
        twos ^= carry;
    }
    return twos & ~more & (ones | row);
}

int main(void)
{
    static uint32_t board[ROWS], other[ROWS];
    board[15] = 3 << 15;
    board[16] = 3 << 14;
    board[17] = 1 << 15;
    for (int generation = 0; generation < GENERATIONS; generation++) {
        for (int i = 0; i < ROWS; i++)
            other[i] = next_row(board[(i + 31) % 32], board[i], board[(i + 1) % 32]);
        memcpy(board, other, sizeof board);
    }
    for (int i = 0; i < ROWS; i++) {
        for (int j = 31; j >= 0; j--)
            put_byte(board[i] >> j & 1 ? '#' : '.');
        put_byte('\n');
    }
    return 0;
}
