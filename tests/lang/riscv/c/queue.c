static int ring[16]; static unsigned head, tail; int push(int x) { if (((head + 1) & 15) == tail) return -1; ring[head] = x; head = (head + 1) & 15; return 0; }
int pop(int *x) { if (head == tail) return -1; *x = ring[tail]; tail = (tail + 1) & 15; return 0; }
