int copy(void) { int a[20]; for (int i = 0; i < 20; i++) a[i] = i; int s = 0; for (int i = 0; i < 20; i += 3) s += a[i]; return s; }
int large(int n) { volatile char space[3000]; space[n] = 1; space[2999] = 5; return space[0] + space[n]; }
