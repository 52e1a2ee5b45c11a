int one(int); int two(int, int);
int two(int a, int b) { return a > b ? one(a - b) + 1 : b; }
int one(int a) { return a > 10 ? two(a - 3, 5) : a + 2; }
int many(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j) { return a - b + c - d + e - f + g - h + i - j; }
int use(void) { return many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) + one(77); }
