/**
 * @file keyfile.h The file in which a key and its identifiers rest between commands.
 *
 *     keyferry-key 1
 *     kind = gmk
 *     key_id = 0df9bc39
 *     rand = ca2f5d51ff0866362c1d85a56f84651e
 *     key = 07d1a1677ac36d8e81620484689b3c2d
 *
 * Text, mode 0600; the first line as it stands, then these lines, each once, in any order; `rand`
 * may be missing. Lines that start with # are ignored. kind is gmk, pck or csk, the rest is hex.
 */
#ifndef KEYFILE_H
#define KEYFILE_H

#include "cli.h"
#include "mcsec/keyid.h"

#define KEYFILE_RAND_MAX 255u

typedef struct keyfile {
    bool complete; /**< kind and key_id are known: not a raw key */
    mcsec_purpose purpose;
    uint32_t key_id;
    size_t rand_len; /**< 0: not known */
    uint8_t rand[KEYFILE_RAND_MAX];
    kf_secret *key; /**< 16 or 32 octets */
} keyfile;

/** Free the key and zero the rest. */
void keyfile_clear(keyfile *f);

/**
 * Read a key file, or a raw key: 16 or 32 octets, or their hex. Reports what is wrong, without the
 * content.
 */
cli_status keyfile_read(const cli_call *call, const char *field, const char *path, keyfile *out);

/** Write it with mode 0600; refuses when the name is taken. */
cli_status keyfile_write(const cli_call *call, const char *field, const char *path,
                         const keyfile *f);

/** "gmk", "pck", "csk"; NULL for another purpose. */
const char *keyfile_kind_name(unsigned purpose);
/** The purpose of that word, or -1. */
int keyfile_kind_named(kf_slice word);

/** Eight hex digits. @return was it that? */
bool keyfile_id_parse(kf_slice text, uint32_t *id);

#endif
