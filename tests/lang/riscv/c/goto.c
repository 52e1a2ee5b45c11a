int machine(const char *s) {
  static void *const jumps[] = {&&add, &&sub, &&end}; int r = 0;
  goto *jumps[s[0] - 'a'];
add: r += s[1]; s += 2; goto *jumps[s[0] - 'a'];
sub: r -= s[1]; s += 2; goto *jumps[s[0] - 'a'];
end: return r;
}
