/** @file random.h The system's generator, through OpenSSL's private DRBG. */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include "base/rng.h"

/** The generator of real programs. Thread safe; never closed. */
const kf_rng *kf_random(void);

#endif
