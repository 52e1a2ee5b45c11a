static inline int square(int x) { int r = 0; for (int i = 0; i < x; i++) r += x; return r; }
static int __attribute__((noinline)) kept(int x) { return x ^ 0x55; }
int use(int x) { return square(x) + kept(square(x + 1)); }
int special(int x) { int y; __asm__("slli %0, %1, 3\n\taddi %0, %0, 1" : "=r"(y) : "r"(x)); return y; }
