int first = 1; int *where = &first; int **again = &where; extern int later; int *forward = &later + 2; int later = -1;
struct pair { char c; int *p; short s; } pairs[2] = {{'x', &first, 3}, {'y', &later, -4}};
int (*function)(int); static int twice(int x) { return x + x; } int (*table[3])(int) = {twice, 0, twice};
int call(int i) { return table[i](pairs[i & 1].s); }
