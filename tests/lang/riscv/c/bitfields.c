struct flags { unsigned a : 3, b : 5; int c : 7; unsigned d : 17; } f;
unsigned pack(unsigned x) { f.a = x; f.b = x >> 3; f.c = -(int)x; f.d = x * 3; return f.a + f.b; }
int signed_part(struct flags *p) { return p->c; }
