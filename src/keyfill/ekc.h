/**
 * @file ekc.h KFDtool's encrypted key container, both ways.
 *
 *  4 octets  length of the XML, least significant octet first
 *  gzip      of the XML: OuterContainer with the parameters of PBKDF2-HMAC-SHA512 and, by XML
 *            Encryption, AES-256-CBC of the InnerContainer element, which has keys and groups
 *
 * NOTHING PROTECTS THE CONTENT AGAINST ALTERATION: whoever can change the file can change keys
 * without the password. Reading always yields the warning KEYFILL_NO_INTEGRITY. The format has no
 * place for an RSI; writing yields KEYFILL_RSI_LOST for each.
 *
 * Source: project facts 6.2.
 */
#ifndef KEYFILL_EKC_H
#define KEYFILL_EKC_H

#include "base/rng.h"
#include "base/writer.h"
#include "keyfill/check.h"
#include "keyfill/file.h"

#define KEYFILL_EKC_ITERATIONS     100000u    /**< what KFDtool writes, and so do we */
#define KEYFILL_EKC_ITERATIONS_MAX 10000000u  /**< a file that asks for more is refused */
#define KEYFILL_EKC_XML_MAX        (1u << 20) /**< octets of the outer XML */
#define KEYFILL_EKC_RATIO_MAX      100u /**< XML octets for one of gzip; real files have 2 at most */
#define KEYFILL_EKC_SALT_MAX       64u

/** What a container tells without its password. */
typedef struct keyfill_ekc_outer {
    uint64_t minor;                  /**< version 1.minor */
    const char *kdf, *hash, *cipher; /**< literals: there is one of each in version 1 */
    uint8_t salt[KEYFILL_EKC_SALT_MAX];
    size_t salt_octets;
    uint32_t iterations;
    size_t sealed_octets; /**< IV and ciphertext */
} keyfill_ekc_outer;

/**
 * Read what is outside of the encryption, judged as keyfill_ekc_read() does.
 * @param out zeroed on failure.
 * @return as keyfill_ekc_read(), but never KF_E_AUTH.
 */
KF_MUST_USE kf_err keyfill_ekc_read_outer(kf_slice octets, keyfill_ekc_outer *out, kf_fault *fault);

/**
 * Read a container. Numbers out of range are left to keyfill_check(). A key of which a field is not
 * filled in is left out and reported (KEYFILL_ENTRY_INCOMPLETE), as is a member of a group that is
 * no key of the file. Caller clears *out, which is empty on failure.
 *
 * @param iterations_max cap on the file's iteration count: KEYFILL_EKC_ITERATIONS_MAX, or less.
 * @param findings       what is to be said is appended, on success only.
 * @param fault          at counts in the octets for "ekc.*", else in the XML that was being read.
 * @return KF_E_AUTH when the password is wrong (or the ciphertext is not of it: the format cannot
 * tell); KF_E_TRUNCATED, KF_E_TRAILING, KF_E_MALFORMED; KF_E_UNSUPPORTED (another version or
 * algorithm); KF_E_NO_SPACE (a cap: size, ratio, iterations, entries); KF_E_NO_MEMORY,
 * KF_E_BACKEND.
 */
KF_MUST_USE kf_err keyfill_ekc_read(kf_slice octets, kf_slice password, uint32_t iterations_max,
                                    keyfill_file *out, keyfill_findings *findings, kf_fault *fault);

/** Room that is enough for keyfill_ekc_write(). */
size_t keyfill_ekc_octets_max(const keyfill_file *file);

/**
 * Write a container; appended to out.
 * @param iterations KEYFILL_EKC_ITERATIONS, or more; 0 is refused.
 * @return KF_E_MALFORMED when an entry is out of range or the iterations are, KF_E_NO_SPACE when
 * the file is too large for out or for the format's cap, KF_E_NO_MEMORY, KF_E_BACKEND. Nothing is
 * written on failure.
 */
KF_MUST_USE kf_err keyfill_ekc_write(const keyfill_file *file, kf_slice password,
                                     uint32_t iterations, const kf_rng *rng,
                                     keyfill_findings *findings, kf_writer *out);

#endif
