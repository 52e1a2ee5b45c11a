int pick(int x) { switch (x) { case -1000: return 1; case 5: return 2; case 70000: return 3; case 1 << 30: return 4; default: return x; } }
int letters(char c) { switch (c) { case 'a': case 'e': case 'i': case 'o': case 'u': return 1; case ' ': return 2; } return 0; }
