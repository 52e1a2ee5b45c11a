unsigned char table[256];
void make(void) { for (int i = 0; i < 256; i++) table[i] = (unsigned char)(i ^ (i >> 4)); }
signed char extend(int x) { return (signed char)x; }
unsigned short halves(int x) { return (unsigned short)(x + 5); }
short sign(int x) { return (short)(x << 3); }
