char buffer[100]; static int count; int far_away[3]; static char own[13]; long long wide; short odd;
int put(char c) { buffer[count] = c; own[count % 13u & 7] = c; odd++; wide += c; return ++count; }
int all(void) { return far_away[1] + count + odd + (int)wide; }
