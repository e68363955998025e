/**
 * @file ids.h Numbers of P25 that codec, voice and key fill share: algorithms, response codes,
 * ranges. Source: TIA-102.BAAC (algorithm identifiers), TIA-102.AACA (status codes); project
 * facts 1.7, 1.8.
 */
#ifndef P25_IDS_H
#define P25_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Algorithm identifiers with an engine of ours, and clear. */
#define P25_ALGID_CLEAR  0x80u
#define P25_ALGID_DES    0x81u /**< DES, OFB */
#define P25_ALGID_TDEA   0x83u /**< three-key TDEA, OFB */
#define P25_ALGID_AES256 0x84u /**< AES-256, OFB */
#define P25_ALGID_AES128 0x85u /**< link-layer authentication keys */
#define P25_ALGID_ADP    0xaau /**< 40-bit RC4 of one vendor */

/** Octets of the message indicator; the last one is 00 on the air. */
#define P25_MI_OCTETS 9u

/** "AES-256", "DES-OFB", "ADP", ... for every identifier the facts name; NULL for others. */
const char *p25_algid_name(unsigned algid);

/** Octets of a clear key: 32, 24, 16, 8, 5; 0 when we have no engine or it is clear. */
size_t p25_algid_key_octets(unsigned algid);

/**
 * Strength in the sense of the wrapping rule (AACA-D table 81): AES 3, TDEA 2, DES 1, ADP 0; -1 for
 * an algorithm without an engine. A key never travels under one of lower strength.
 */
int p25_algid_strength(unsigned algid);

/** "performed", "invalid message ID", ... for a status code; "unknown" for any other (an open set).
 */
const char *p25_status_name(unsigned status);

/** Crypto group of a storage location number: its upper 4 bits. */
unsigned p25_sln_crypto_group(uint16_t sln);

/** Crypto group of a keyset ID (1 to 255): ((id - 1) >> 4). */
unsigned p25_keyset_crypto_group(uint8_t keyset);

#endif
