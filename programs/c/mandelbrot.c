// The Mandelbrot set in fixed point with twelve bits behind the point: a letter for how soon a point
// leaves the circle of radius two. RV32I has no multiplication; the compiler's library does it by
// shifting and adding.
//
// output: "           .....................:::.............\n         .................::::::-=+--:::........\n        ...............::::::::-*+##=-:::::.....\n       .............:::::::----=%###%=---:::....\n      ...........:::::::--=@#@###########@@-:...\n     ........:::---::---=@################=-::..\n     ..:::::::--+@@*##+=+##################=-::.\n     :::::::-===@#######@##################-:::.\n    #####################################+--:::.\n     :::::::-===@#######@##################-:::.\n     ..:::::::--+@@*##+=+##################=-::.\n     ........:::---::---=@################=-::..\n      ...........:::::::--=@#@###########@@-:...\n       .............:::::::----=%###%=---:::....\n        ...............::::::::-*+##=-:::::.....\n         .................::::::-=+--:::........\n           .....................:::.............\n"
// steps: 2710708

#include "lib/system.h"

enum { ONE = 1 << 12, WIDTH = 48, HEIGHT = 17, MOST = 24 };

static int32_t times(int32_t a, int32_t b) { return a * b >> 12; }

static int steps(int32_t cx, int32_t cy)
{
    int32_t x = 0, y = 0, count = 0;
    while (count < MOST) {
        int32_t xx = times(x, x), yy = times(y, y);
        if (xx + yy > 4 * ONE)
            break;
        y = 2 * times(x, y) + cy;
        x = xx - yy + cx;
        count++;
    }
    return count;
}

int main(void)
{
    for (int row = 0; row < HEIGHT; row++) {
        for (int column = 0; column < WIDTH; column++) {
            int32_t cx = -9 * ONE / 4 + column * (3 * ONE / WIDTH);
            int32_t cy = (row - HEIGHT / 2) * (5 * ONE / 2 / HEIGHT);
            int count = steps(cx, cy);
            put_byte(count == MOST ? '#' : " .:-=+*%@"[count < 16 ? count / 2 : 8]);
        }
        put_byte('\n');
    }
    return 0;
}
