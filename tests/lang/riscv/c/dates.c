static const unsigned char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
int leap(unsigned year) { return !(year & 3); }
int of_year(int day, int month, int year) { int n = day; for (int m = 0; m < month - 1; m++) n += days[m] + (m == 1 && leap(year)); return n; }
const char *weekday(int n) { static const char *const names[7] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}; while (n >= 7) n -= 7; return names[n]; }
