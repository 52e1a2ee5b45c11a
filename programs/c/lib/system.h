// What the programs here need of a C library: system calls, bytes in and out, numbers as text.

#ifndef SYSTEM_H
#define SYSTEM_H

#include <stddef.h>
#include <stdint.h>

// One byte out; collected until a line ends or the program does.
void put_byte(int byte);

// A text that ends with a zero.
void put_text(const char *text);

// A number in decimal, and the lowest digits of one in hexadecimal.
void put_number(int32_t number);
void put_hexadecimal(uint32_t number, int digits);

// The next byte of the input, -1 at its end.
int get_byte(void);

// More memory, never to be given back; NULL if there is none.
void *more_memory(size_t bytes);

// As in any C library.
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

// End the program, after putting out what is still collected.
_Noreturn void leave(int code);

#endif
