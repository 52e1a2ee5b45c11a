static int stack[64], depth; void push(int x) { stack[depth++] = x; } int pop(void) { return stack[--depth]; }
int evaluate(const char *s) { for (; *s; s++) { if (*s >= '0' && *s <= '9') push(*s - '0'); else { int b = pop(), a = pop(); push(*s == '+' ? a + b : *s == '-' ? a - b : a & b); } } return pop(); }
