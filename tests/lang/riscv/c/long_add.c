long long add(long long a, long long b) { return a + b; } long long sub(long long a, long long b) { return a - b; }
unsigned long long both(unsigned long long a, unsigned long long b) { return (a & b) ^ (a | ~b); }
int less(long long a, long long b) { return a < b; } int same(long long a, long long b) { return a == b; } long long neg(long long a) { return -a; }
