int counter(void) { static int n; static int m = 7; static char text[] = "xy"; n++; m += 2; return n + m + text[n & 1]; }
int other(void) { static int n = -3; return --n; }
