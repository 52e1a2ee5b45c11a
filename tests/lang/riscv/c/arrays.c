int table[16]; short half[7]; signed char small[5] = {1, -2, 3};
int total(const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
void turn(int *a, int n) { for (int i = 0; i < n / 2; i++) { int t = a[i]; a[i] = a[n - 1 - i]; a[n - 1 - i] = t; } }
int get(int i) { return table[i] + half[i & 3] + small[i & 3]; }
