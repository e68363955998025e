/** @file srtp.h SRTP master keys of one key, and fingerprints of them that may be shown. */
#ifndef SRTP_H
#define SRTP_H

#include "base/secret.h"
#include "cli.h"

#define SRTP_KEY_OCTETS         16u
#define SRTP_SALT_OCTETS        12u
#define SRTP_FINGERPRINT_OCTETS 8u

typedef struct srtp_keys {
    uint32_t csb_id;
    uint8_t cs_id;
    kf_secret *key;  /**< master key, 16 octets */
    kf_secret *salt; /**< master salt, 12 octets */
    /** First octets of SHA-256 over a label, key and salt: equal keys, equal fingerprints; says
     * nothing else of them. */
    uint8_t fingerprint[SRTP_FINGERPRINT_OCTETS];
} srtp_keys;

/** Derive (RFC 3830 4.1.3, 4.1.4). The caller clears *out. */
kf_err srtp_keys_derive(const kf_secret *tgk, uint32_t csb_id, uint8_t cs_id, kf_slice rand,
                        srtp_keys *out);
void srtp_keys_clear(srtp_keys *keys);

/** Print as lines or JSON; key and salt only when reveal. */
void srtp_keys_print(const out_sink *o, const srtp_keys *keys, bool reveal);
json_t *srtp_keys_json(const srtp_keys *keys, bool reveal);

#endif
