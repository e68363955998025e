#include "voice/rc4.h"

static void swap(uint8_t *a, uint8_t *b)
{
    uint8_t t = *a;
    *a = *b;
    *b = t;
}

static void schedule(kf_slice key, uint8_t table[VOICE_RC4_TABLE])
{
    uint8_t j = 0;
    size_t k = 0;
    for (size_t i = 0; i < VOICE_RC4_TABLE; i++)
        table[i] = (uint8_t)i;
    for (size_t i = 0; i < VOICE_RC4_TABLE; i++) {
        j = (uint8_t)(j + table[i] + key.ptr[k]);
        swap(&table[i], &table[j]);
        k = k + 1 == key.len ? 0 : k + 1;
    }
}

void voice_rc4(kf_slice key, size_t skip, uint8_t table[VOICE_RC4_TABLE], uint8_t *out, size_t len)
{
    uint8_t i = 0, j = 0;
    schedule(key, table);
    for (size_t n = 0; n < skip + len; n++) {
        i = (uint8_t)(i + 1);
        j = (uint8_t)(j + table[i]);
        swap(&table[i], &table[j]);
        if (n >= skip)
            out[n - skip] = table[(uint8_t)(table[i] + table[j])];
    }
}
