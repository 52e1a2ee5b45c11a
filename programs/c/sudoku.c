// Sudoku: solves the puzzles of its input, a line each, a dot for an empty cell. At every turn it
// takes the cell with the fewest candidates. The two below are by Arto Inkala: "AI Escargot" (2006) and
// the one that The Telegraph printed as the world's hardest in 2012.
//
// input: "1....7.9..3..2...8..96..5....53..9...1..8...26....4...3......1..4......7..7...3..\n8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..\n"
// output: "162857493534129678789643521475312986913586742628794135356478219241935867897261354\n812753649943682175675491283154237896369845721287169534521974368438526917796318452\n"
// steps: 6976366

#include "lib/system.h"

enum { CELLS = 81, ANY = 0x1ff };

static uint8_t row_of[CELLS], column_of[CELLS], box_of[CELLS];
static uint8_t bits[ANY + 1]; // how many bits are set in a number
static uint8_t digits[CELLS];
static uint8_t empty[CELLS];
static uint16_t rows[9], columns[9], boxes[9]; // digits that are taken, as bits
static int left;

static void prepare(void)
{
    int cell = 0;
    for (int row = 0; row < 9; row++)
        for (int column = 0; column < 9; column++, cell++) {
            row_of[cell] = (uint8_t)row;
            column_of[cell] = (uint8_t)column;
            box_of[cell] = (uint8_t)(row / 3 * 3 + column / 3);
        }
    for (int i = 1; i <= ANY; i++)
        bits[i] = (uint8_t)(bits[i >> 1] + (i & 1));
}

static void toggle(int cell, int bit)
{
    rows[row_of[cell]] ^= (uint16_t)bit;
    columns[column_of[cell]] ^= (uint16_t)bit;
    boxes[box_of[cell]] ^= (uint16_t)bit;
}

static int candidates(int cell)
{
    return ANY & ~(rows[row_of[cell]] | columns[column_of[cell]] | boxes[box_of[cell]]);
}

static int solve(void)
{
    if (left == 0)
        return 1;
    int best = 0, fewest = 10, choice = 0;
    for (int i = 0; i < left && fewest > 1; i++) {
        int free = candidates(empty[i]);
        if (bits[free] < fewest) {
            best = i;
            fewest = bits[free];
            choice = free;
        }
    }
    if (fewest == 0)
        return 0;
    int cell = empty[best];
    empty[best] = empty[--left];
    for (; choice; choice &= choice - 1) {
        int bit = choice & -choice;
        toggle(cell, bit);
        digits[cell] = bits[bit - 1];
        if (solve())
            return 1;
        toggle(cell, bit);
    }
    empty[left++] = empty[best];
    empty[best] = (uint8_t)cell;
    return 0;
}

static int read_puzzle(void)
{
    memset(rows, 0, sizeof rows);
    memset(columns, 0, sizeof columns);
    memset(boxes, 0, sizeof boxes);
    left = 0;
    for (int cell = 0; cell < CELLS; cell++) {
        int byte = get_byte();
        if (byte < 0)
            return 0;
        if (byte >= '1' && byte <= '9') {
            digits[cell] = (uint8_t)(byte - '1');
            toggle(cell, 1 << digits[cell]);
        } else {
            empty[left++] = (uint8_t)cell;
        }
    }
    while (get_byte() > '\n')
        ;
    return 1;
}

int main(void)
{
    prepare();
    while (read_puzzle()) {
        if (!solve())
            put_text("no solution");
        else
            for (int cell = 0; cell < CELLS; cell++)
                put_byte('1' + digits[cell]);
        put_byte('\n');
    }
    return 0;
}
