/** @file parts.h What the files of this room share: the public key and the two hashes. */
#ifndef ECCSI_PARTS_H
#define ECCSI_PARTS_H

#include <openssl/ec.h>

#include "eccsi/eccsi.h"

struct eccsi_public {
    uint8_t octets[ECCSI_POINT_OCTETS];
    EC_POINT *point; /**< only read after eccsi_public_new(), so threads may share it */
};

/** HS = SHA-256(G || KPAK || ID || PVT). RFC 6507 clause 5.1.1 step 3. */
KF_MUST_USE kf_err eccsi_hash_identity(kf_slice kpak, kf_slice id, kf_slice pvt,
                                       uint8_t hs[ECCSI_SCALAR_OCTETS]);

/** HE = SHA-256(HS || r || M). RFC 6507 clause 5.2.1 step 3. */
KF_MUST_USE kf_err eccsi_hash_message(const uint8_t hs[ECCSI_SCALAR_OCTETS],
                                      const uint8_t r[ECCSI_SCALAR_OCTETS], kf_slice message,
                                      uint8_t he[ECCSI_SCALAR_OCTETS]);

#endif
