extern int used_later; static int hidden_one(void) { return used_later; } int used_later = 12; int f(void) { return hidden_one(); }
int __attribute__((section(".text.special"))) special(int x) { return x + f(); } int __attribute__((section(".data.own"))) own = 5; int g(void) { return special(own); }
