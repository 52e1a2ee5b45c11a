int __attribute__((weak)) maybe(int x) { return x; } int here(int x) { return maybe(x + 1); }
static int __attribute__((used)) kept = 3; int __attribute__((aligned(32))) aligned[2] = {1, 2}; int __attribute__((aligned(16))) code(int x) { return x + aligned[1]; }
int branch(int x) { if (x) return maybe(x); return 4; }
