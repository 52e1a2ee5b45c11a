int far_branch(int a, volatile int *p) {
  if (a == 3) return 7;
#define T *p = a; p[1] = a + 1; p[2] = a ^ 5; p[3] += a;
#define S T T T T T T T T
#define R S S S S S S S S
  if (a != 9) { R } else { *p = 0; }
  for (int i = 0; i < a; i++) { R }
  return a;
}
