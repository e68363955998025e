/** @file bench_ibc.h The operations of bench_ibc, one file per room. See bench.h for the shape. */
#ifndef BENCH_BENCH_IBC_H
#define BENCH_BENCH_IBC_H

#include <wolfssl/options.h>
/* wolfSSL's options come before its headers. */
#include <wolfssl/wolfcrypt/random.h>

#include "base/slice.h"
#include "bench.h"

/** wolfSSL's generator, ready after prepare(). */
extern WC_RNG wolf_rng;

#define ID_OCTETS 32u /**< identifiers are as long as a UID */

/** An identifier that no other number gives. */
typedef struct bench_id {
    uint8_t octets[ID_OCTETS];
} bench_id;
bench_id bench_id_of(size_t number);

bool sakke_prepare_inputs(void);
bool ours_encapsulate(size_t turn), peer_encapsulate(size_t turn);
bool ours_decapsulate(size_t turn), peer_decapsulate(size_t turn);
bool ours_extract_rsk(size_t turn), peer_extract_rsk(size_t turn);
bool ours_validate_rsk(size_t turn), peer_validate_rsk(size_t turn);
bool make_public_table(size_t turn), make_rsk_table(size_t turn);
size_t public_table_octets(void), rsk_table_octets(void);

bool eccsi_prepare_inputs(void);
bool ours_sign(size_t turn), peer_sign(size_t turn);
bool ours_verify(size_t turn), peer_verify(size_t turn);
bool ours_issue(size_t turn), peer_issue(size_t turn);
bool ours_validate_pair(size_t turn), peer_validate_pair(size_t turn);

bool mikey_prepare_inputs(void);
bool create_message(size_t turn), accept_message(size_t turn);

#endif
