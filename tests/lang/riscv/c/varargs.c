#include <stdarg.h>
int sum(int n, ...) { va_list l; va_start(l, n); int s = 0; while (n--) s += va_arg(l, int); va_end(l); return s; }
long long mixed(const char *f, ...) { va_list l; va_start(l, f); long long s = 0; for (; *f; f++) s += *f == 'l' ? va_arg(l, long long) : *f == 'p' ? *va_arg(l, char *) : va_arg(l, int); va_end(l); return s; }
int use(void) { return sum(9, 1, 2, 3, 4, 5, 6, 7, 8, 9) + (int)mixed("il", 3, 4ll); }
