/*
 * The anchor: the last event as this process saw it committed, in a file outside the store. A store
 * that was put back to an older state lacks that event. Text, one `name = value` a line:
 *
 *     keyferry-anchor 1
 *     vault = 32 hex digits
 *     seq = decimal
 *     hash = 64 hex digits
 *     mac = 64 hex digits, HMAC-SHA-256 of all lines above under a key derived from the vault key
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "vault/parts.h"

#define ANCHOR_MAX 512u
#define PATH_ROOM  1024u

static void path_of(const vault *v, const char *name, char *path)
{
    snprintf(path, PATH_ROOM, "%s/%s", v->config.anchor, name);
}

static void hex_of(const uint8_t *octets, size_t len, char *out)
{
    kf_writer w = kf_writer_init((uint8_t *)out, 2 * len);
    kf_hex_write(&w, (kf_slice){ octets, len });
    out[2 * len] = '\0';
}

static kf_err mac_of(const vault *v, const char *text, size_t len, char out[65])
{
    static const char label[] = "keyferry-anchor";
    uint8_t key[KF_HASH_MAX_OCTETS], mac[KF_HASH_MAX_OCTETS];
    const kf_slice derive[] = { { (const uint8_t *)label, sizeof label - 1 },
                                { v->id, sizeof v->id } };
    const kf_slice message = { (const uint8_t *)text, len };
    kf_err err = kf_hmac_parts(&KF_SHA256, kf_secret_view(v->key), derive, 2, key);
    if (err == KF_OK)
        err = kf_hmac_parts(&KF_SHA256, (kf_slice){ key, KF_SHA256_OCTETS }, &message, 1, mac);
    kf_wipe(key, sizeof key);
    hex_of(mac, KF_SHA256_OCTETS, out);
    return err;
}

/* The lines that the MAC covers. @return their length. */
static size_t lines_of(const vault *v, int64_t seq, const uint8_t hash[32], char out[ANCHOR_MAX])
{
    char id[2 * SEAL_ID_OCTETS + 1], digest[65];
    hex_of(v->id, sizeof v->id, id);
    hex_of(hash, 32, digest);
    const int len =
        snprintf(out, ANCHOR_MAX, "keyferry-anchor 1\nvault = %s\nseq = %lld\nhash = %s\n", id,
                 (long long)seq, digest);
    return len < 0 ? 0 : (size_t)len;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

static bool sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool fine = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return fine;
}

kf_err vault_anchor_write(const vault *v, int64_t seq, const uint8_t hash[VAULT_HASH_OCTETS])
{
    char text[ANCHOR_MAX], mac[65], path[PATH_ROOM], fresh[PATH_ROOM];
    size_t len = lines_of(v, seq, hash, text);
    kf_err err = kf_failpoint("vault.anchor");
    if (err == KF_OK)
        err = mac_of(v, text, len, mac);
    if (err != KF_OK)
        return err;
    len += (size_t)snprintf(text + len, sizeof text - len, "mac = %s\n", mac);
    path_of(v, "head", path);
    path_of(v, "head.new", fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool fine = fd >= 0 && write_all(fd, text, len) && fdatasync(fd) == 0;
    if (fd >= 0)
        fine = close(fd) == 0 && fine;
    return fine && rename(fresh, path) == 0 && sync_directory(v->config.anchor) ? KF_OK
                                                                                : KF_E_BACKEND;
}

/* @return the text's length; 0: there is none yet; negative: it cannot be read. */
static long read_anchor(const vault *v, char text[ANCHOR_MAX])
{
    char path[PATH_ROOM];
    path_of(v, "head", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    ssize_t n = read(fd, text, ANCHOR_MAX - 1);
    close(fd);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    return (long)n;
}

typedef struct found {
    uint8_t hash[32];
    bool is_there;
} found;

static kf_err take_hash(void *ctx, const store_value *columns, size_t count)
{
    found *f = ctx;
    if (count != 1 || columns[0].octets.len != sizeof f->hash)
        return KF_E_MALFORMED;
    memcpy(f->hash, columns[0].octets.ptr, sizeof f->hash);
    f->is_there = true;
    return KF_OK;
}

kf_err vault_anchor_check(const vault *v)
{
    static const store_sql at = { "SELECT hash FROM event WHERE seq = $1" };
    char text[ANCHOR_MAX], mac[65], want[ANCHOR_MAX], theirs[65], *line;
    long long seq = 0;
    found f = { .is_there = false };
    const long len = read_anchor(v, text);
    if (len <= 0)
        return len == 0 ? KF_OK : KF_E_BACKEND;
    if ((line = strstr(text, "\nseq = ")) == NULL || sscanf(line, "\nseq = %lld\n", &seq) != 1 ||
        (line = strstr(text, "mac = ")) == NULL || sscanf(line, "mac = %64[0-9a-f]", theirs) != 1)
        return KF_E_MALFORMED;
    kf_err err = mac_of(v, text, (size_t)(line - text), mac);
    if (err != KF_OK || strcmp(mac, theirs) != 0)
        return err != KF_OK ? err : KF_E_AUTH;
    err = store_begin(v->db, STORE_READ);
    if (err == KF_OK)
        err = store_run(v->db, &at, VAULT_IN(store_int(seq)), take_hash, &f);
    store_rollback(v->db);
    if (err != KF_OK)
        return err;
    if (!f.is_there)
        return KF_E_DENIED;
    const size_t covered = lines_of(v, seq, f.hash, want);
    return covered == (size_t)(line - text) && memcmp(want, text, covered) == 0 ? KF_OK
                                                                                : KF_E_DENIED;
}
