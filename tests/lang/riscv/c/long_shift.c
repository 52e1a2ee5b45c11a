unsigned long long left(unsigned long long a) { return a << 13; } unsigned long long right(unsigned long long a) { return a >> 37; }
long long arithmetic(long long a) { return a >> 5; } unsigned long long word(unsigned a) { return (unsigned long long)a << 32 | a; }
