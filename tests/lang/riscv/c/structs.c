struct point { int x, y; }; struct box { struct point a, b; char name[6]; } boxes[4] = {{{1, 2}, {3, 4}, "first"}, {{5, 6}, {7, 8}, "other"}};
int width(const struct box *b) { return b->b.x - b->a.x; } void move(struct box *b, int d) { b->a.x += d; b->b.x += d; b->name[2] = '!'; } int all(void) { int s = 0; for (int i = 0; i < 4; i++) s += width(boxes + i); return s; }
struct box copy(int i) { return boxes[i]; }
