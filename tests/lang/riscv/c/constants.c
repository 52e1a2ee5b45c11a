unsigned k0(void) { return 0xffffffff; } unsigned k1(void) { return 0x80000000; } unsigned k2(void) { return 0x7fffffff; }
int k3(void) { return 2047; } int k4(void) { return -2048; } int k5(void) { return 2048; } int k6(void) { return 0x12345000; }
int k7(void) { return 0x12345fff; } long long k8(void) { return 0x123456789abcdef0ll; } const int k9 = 99; const int *address(void) { return &k9; }
