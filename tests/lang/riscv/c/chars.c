int is_digit(int c) { return c >= '0' && c <= '9'; }
int upper(int c) { return c >= 'a' && c <= 'z' ? c - 32 : c; }
int number(const char *s) { int n = 0, sign = 1; while (*s == ' ') s++; if (*s == '-') sign = -1, s++; while (is_digit(*s)) n = n * 10 + *s++ - '0'; return sign * n; }
