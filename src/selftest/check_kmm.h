/** @file check_kmm.h Inside this room: the layers of a KMM, each checked from both ends. */
#ifndef SELFTEST_CHECK_KMM_H
#define SELFTEST_CHECK_KMM_H

#include "p25/dli.h"
#include "p25/kmm.h"
#include "p25/mac.h"
#include "selftest/check.h"

/** Longest KMM or datagram with anything in front of it, octets. */
#define CHECK_KMM_MAX (P25_DLI_OCTETS + P25_KMM_OCTETS_MAX)

/** The MAC scheme named by the field `scheme` ("cbc", "cmac-c", "cmac-d"). */
p25_mac_scheme check_scheme(check *k);

/** Decode the field `kmm`, or see it refused when expect = fail; what decodes and deviates from
 * nothing encodes to the same octets. @return is kmm usable? */
bool check_decode(check *k, p25_side side, p25_kmm *kmm);

/** A TEK; NULL after a failure, which is the named field's. Caller frees. */
p25_tek *check_tek(check *k, const char *name, uint8_t algid, uint16_t kid, const kf_secret *key);

/** The MAC in kmm is the one that is made, and it verifies. With expect = fail: it does not.
 * @param scheme NULL: any; it is found as a receiver finds it. */
void check_mac(check *k, p25_tek *tek, const p25_mac_scheme *scheme, const p25_kmm_frame *kmm);

/** kmm under the TEK and the MI gives octets, and the other way round. */
void check_outer(check *k, const char *name, p25_tek *tek, const uint8_t mi[P25_MI_OCTETS],
                 kf_slice kmm, kf_slice octets);

/** Format octets, from what they were decoded to. */
unsigned check_item_format(const p25_key_item *item);
unsigned check_tag_format(const p25_keyset_tag *tag);

#endif
