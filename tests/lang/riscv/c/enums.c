enum color { RED = 3, GREEN = -7, BLUE = 1000 } last;
static const char *const names[] = {"red", "green", "blue", "no colour; at all"};
const char *name(enum color c) { last = c; switch (c) { case RED: return names[0]; case GREEN: return names[1]; case BLUE: return names[2]; default: return names[3]; } }
