struct small { int a, b; }; struct large { int a[5]; };
struct small make(int a) { struct small s = {a, a + 1}; return s; } struct large more(int a) { struct large s = {{a, 1, 2, 3, a}}; return s; }
int use(void) { struct large l = more(4); return make(3).b + l.a[4]; }
