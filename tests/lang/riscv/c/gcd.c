unsigned gcd(unsigned a, unsigned b) { while (b) { if (a < b) { unsigned t = a; a = b; b = t; } a -= b; if (!a) return b; } return a; }
unsigned steps(unsigned n) { unsigned k = 0; while (n != 1) { n = n & 1 ? n + n + n + 1 : n >> 1; k++; } return k; }
