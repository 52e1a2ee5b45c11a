static unsigned char arena[512]; static unsigned top;
void *take(unsigned n) { unsigned at = (top + 7) & ~7u; if (at + n > sizeof arena) return 0; top = at + n; return arena + at; }
void drop(void) { top = 0; }
