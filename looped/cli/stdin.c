/* stdin that ends.

picolibc's own function for a character of stdin takes the answer of the host, -1 at the end of the
input, as the character 255. `looped cc` links this one in its place. */

#include <stdint.h>
#include <stdio.h>

#define SYS_READC 0x07

uintptr_t sys_semihost(uintptr_t call, uintptr_t parameter); /* of picolibc, in no header */
int sys_semihost_getc(FILE *stream);

int sys_semihost_getc(FILE *stream) {
  int character = (int)sys_semihost(SYS_READC, 0);
  (void)stream;
  return character < 0 ? _FDEV_EOF : character;
}
