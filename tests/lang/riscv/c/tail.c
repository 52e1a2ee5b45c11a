int even(unsigned n); int odd(unsigned n) { return n ? even(n - 1) : 0; } int even(unsigned n) { return n ? odd(n - 1) : 1; }
int (*go)(int); int jump(int x) { return go(x + 1); } void nothing(void) {} int loop(int n, int s) { return n ? loop(n - 1, s + n) : s; }
