#define PORT (*(volatile unsigned *)0x3000)
volatile int flag; unsigned wait(void) { while (!flag) ; PORT = 5; return PORT & 0xff; } void twice(void) { flag = 1; flag = 2; }
