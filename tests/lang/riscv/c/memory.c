void *copy(void *to, const void *from, unsigned n) { char *d = to; const char *s = from; while (n--) *d++ = *s++; return to; }
void *fill(void *to, int c, unsigned n) { unsigned char *d = to; while (n--) *d++ = (unsigned char)c; return to; }
int compare(const void *a, const void *b, unsigned n) { const unsigned char *x = a, *y = b; for (; n; n--, x++, y++) if (*x != *y) return *x - *y; return 0; }
