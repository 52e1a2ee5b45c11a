int *step(int *p, int n) { return p + n; } int difference(int *a, int *b) { return (int)(a - b); }
void swap(int *a, int *b) { int t = *a; *a = *b; *b = t; } char *end(char *s) { while (*s) s++; return s; } int through(int ***p) { return ***p; }
