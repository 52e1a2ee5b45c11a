int a(int x, int n) { return x << n; } int b(int x, int n) { return x >> n; } unsigned c(unsigned x, unsigned n) { return x >> n; }
int d(int x) { return x << 7 >> 3; } unsigned e(unsigned x) { return (x >> 9) + (x << 31); } int f(int x) { return x / 8 + x % 16; }
