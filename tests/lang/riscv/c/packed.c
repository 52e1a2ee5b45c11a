struct __attribute__((packed)) odd { char a; int b; short c; long long d; } one = {1, 0x22334455, 0x6677, 8};
int read(struct odd *p) { return p->b + p->c; } void write(struct odd *p, int x) { p->b = x; p->d = x; }
struct odd list[3] = {{2, 3, 4, 5}}; unsigned size(void) { return sizeof list; }
