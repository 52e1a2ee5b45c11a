int nested(int n) { int s = 0; for (int i = 0; i < n; i++) for (int j = i; j < n; j += 2) { if ((i ^ j) & 4) continue; if (s > 1000) break; s += i - j; } return s; }
int down(int n) { int s = 1; do { s += n; } while (--n > 0); return s; } int forever(volatile int *p) { for (;;) if (*p) return *p; }
