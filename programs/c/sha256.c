// SHA-256 (FIPS 180-4) of the input, and then of that digest, a hundred and fifty times over.
//
// input: "abc"
// output: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\ne098ec99b6b566a5b2e897779eafcc7391553de3d09f4388ed7a074416891ba7\n"
// steps: 1285729

#include "lib/system.h"

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

typedef struct {
    uint32_t h[8];
    uint8_t block[64];
    uint32_t length;
} Hash;

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void begin(Hash *hash)
{
    static const uint32_t initial[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    memcpy(hash->h, initial, sizeof initial);
    hash->length = 0;
}

static void mix(Hash *hash)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++) {
        const uint8_t *b = hash->block + 4 * i;
        w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(v, hash->h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25);
        uint32_t chosen = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + chosen + K[i] + w[i];
        uint32_t s0 = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22);
        uint32_t most = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        for (int j = 7; j > 0; j--)
            v[j] = v[j - 1];
        v[4] += t1;
        v[0] = t1 + s0 + most;
    }
    for (int i = 0; i < 8; i++)
        hash->h[i] += v[i];
}

static void add(Hash *hash, uint8_t byte)
{
    hash->block[hash->length++ % 64] = byte;
    if (hash->length % 64 == 0)
        mix(hash);
}

static void end(Hash *hash, uint8_t digest[32])
{
    uint32_t length = hash->length;
    add(hash, 0x80);
    while (hash->length % 64 != 56)
        add(hash, 0);
    for (int i = 7; i >= 0; i--)
        add(hash, i < 4 ? (uint8_t)(8 * length >> 8 * i) : 0); // of less than 512 MB
    for (int i = 0; i < 32; i++)
        digest[i] = (uint8_t)(hash->h[i / 4] >> (24 - 8 * (i % 4)));
}

static void show(const uint8_t digest[32])
{
    for (int i = 0; i < 32; i++)
        put_hexadecimal(digest[i], 2);
    put_byte('\n');
}

int main(void)
{
    Hash hash;
    uint8_t digest[32];
    begin(&hash);
    for (int byte; (byte = get_byte()) >= 0;)
        add(&hash, (uint8_t)byte);
    end(&hash, digest);
    show(digest);
    for (int round = 0; round < 150; round++) {
        begin(&hash);
        for (int i = 0; i < 32; i++)
            add(&hash, digest[i]);
        end(&hash, digest);
    }
    show(digest);
    return 0;
}
