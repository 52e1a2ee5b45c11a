unsigned fnv(const char *s) { unsigned h = 2166136261u; for (; *s; s++) { h ^= (unsigned char)*s; h = (h << 24) + (h << 8) + (h << 7) + (h << 4) + (h << 1) + h; } return h; }
struct entry { const char *key; int value; struct entry *next; }; static struct entry *slots[32];
struct entry *find(const char *k) { for (struct entry *e = slots[fnv(k) & 31]; e; e = e->next) { const char *a = e->key, *b = k; while (*a && *a == *b) a++, b++; if (*a == *b) return e; } return 0; }
