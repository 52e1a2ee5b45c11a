const char text[] = "a \"quoted\" text\n\t\\ and \001\377 bytes"; const short numbers[] = {1, -1, 300}; const long long wide[] = {-1};
char changed[] = "changed"; char *const fixed = changed; static const char *where = text; const char *get(int i) { return i ? where : fixed; } int n(int i) { return numbers[i]; }
