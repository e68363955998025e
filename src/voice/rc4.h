/**
 * @file rc4.h Inside this room only: RC4, for ADP. Its table is indexed by secrets: that is the
 * algorithm, and one more reason why ADP is not a protection.
 */
#ifndef VOICE_RC4_H
#define VOICE_RC4_H

#include "base/slice.h"

/** Octets of the working table. */
#define VOICE_RC4_TABLE 256u

/**
 * len octets of keystream after the first skip octets.
 * @param key   1 to 256 octets.
 * @param table working space that the caller wipes: a function of the key when we return.
 */
void voice_rc4(kf_slice key, size_t skip, uint8_t table[VOICE_RC4_TABLE], uint8_t *out, size_t len);

#endif
