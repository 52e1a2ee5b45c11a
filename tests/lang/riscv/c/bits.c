unsigned count(unsigned x) { unsigned n = 0; while (x) { n += x & 1; x >>= 1; } return n; }
unsigned reverse(unsigned x) { unsigned r = 0; for (int i = 0; i < 32; i++) r |= ((x >> i) & 1) << (31 - i); return r; }
unsigned rotate(unsigned x, unsigned n) { return x << n | x >> (32 - n); }
unsigned mask(unsigned x) { return (x & 0xffff0000u) ^ (x | 0x12345678u) ^ ~x; }
