int binary(const int *a, int n, int x) { int low = 0, high = n - 1; while (low <= high) { int mid = (low + high) >> 1; if (a[mid] == x) return mid; if (a[mid] < x) low = mid + 1; else high = mid - 1; } return -1; }
static const int sorted[] = {1, 4, 9, 16, 25, 36, 49}; int here(int x) { return binary(sorted, 7, x); }
