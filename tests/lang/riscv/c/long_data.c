long long v = -5; unsigned long long u = 0xfedcba9876543210ull; long long list[3] = {1, -1, 0x100000000ll};
long long pick(int i) { return list[i] + v; } unsigned high(void) { return (unsigned)(u >> 32); }
