int a[4][4], b[4][4]; static int product(int x, int y) { int r = 0; while (y) { if (y & 1) r += x; x += x; y = (int)((unsigned)y >> 1); } return r; }
void multiply(int c[4][4]) { for (int i = 0; i < 4; i++) for (int j = 0; j < 4; j++) { int s = 0; for (int k = 0; k < 4; k++) s += product(a[i][k], b[k][j]); c[i][j] = s; } }
