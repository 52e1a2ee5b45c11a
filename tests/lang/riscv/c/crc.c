unsigned crc(const unsigned char *p, unsigned n) {
  unsigned r = ~0u;
  for (unsigned i = 0; i < n; i++) { r ^= p[i]; for (int k = 0; k < 8; k++) r = r & 1 ? r >> 1 ^ 0xedb88320u : r >> 1; }
  return ~r;
}
