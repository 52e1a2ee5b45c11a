int less(int a, int b) { return a < b; } int below(unsigned a, unsigned b) { return a < b; }
int equal(int a, int b) { return a == b; } int differs(int a, int b) { return a != b; }
int most(int a, int b, int c) { int m = a; if (b > m) m = b; if (c >= m) m = c; return m; }
int sign(int a) { return a < 0 ? -1 : a > 0; } int clamp(int x) { return x < -5 ? -5 : x > 300 ? 300 : x; }
