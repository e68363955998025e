#include "lab/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/container.h"

#define VERSION_1     1u
#define KEY_OCTETS    32u
#define NONCE_OCTETS  12u
#define TAG_OCTETS    16u
#define HEAD_OCTETS   (1u + NONCE_OCTETS)
#define KEY_FILE_MAX  (KF_CONTAINER_OVERHEAD + KEY_OCTETS)
#define SLOT_FILE_MAX (16u << 20)
#define NAME_OCTETS   32u
#define KEY_NAME      "state.key"
#define LOCK_NAME     "lock"
#define SLOT_PREFIX   "slot-"
#define UNFINISHED    ".new" /* after the name of what is being written */
#define LABEL         "keyferry-lab-state"
#define LABEL_OCTETS  (sizeof LABEL - 1)
#define AD_OCTETS     (LABEL_OCTETS + 4u)

struct lab_state {
    int dir;  /**< the directory */
    int lock; /**< holds the lock for as long as it is open */
    const kf_rng *rng;
    kf_secret *key;
};

/* ---- names ---- */

typedef enum name_kind { NAME_FOREIGN, NAME_LOCK, NAME_KEY, NAME_SLOT, NAME_UNFINISHED } name_kind;

static void slot_name(uint32_t slot, char name[NAME_OCTETS])
{
    (void)snprintf(name, NAME_OCTETS, SLOT_PREFIX "%lu", (unsigned long)slot);
}

/** Is it what slot_name() makes of some slot? */
static bool is_slot_name(const char *name)
{
    uint64_t slot = 0;
    char again[NAME_OCTETS];
    if (strncmp(name, SLOT_PREFIX, sizeof SLOT_PREFIX - 1) != 0 ||
        kf_decimal_read(kf_slice_str(name + sizeof SLOT_PREFIX - 1), &slot) != KF_OK ||
        slot > UINT32_MAX)
        return false;
    slot_name((uint32_t)slot, again);
    return strcmp(name, again) == 0;
}

/** The kind of a name without the suffix of unfinished files. */
static name_kind finished_kind(const char *name)
{
    if (strcmp(name, LOCK_NAME) == 0)
        return NAME_LOCK;
    if (strcmp(name, KEY_NAME) == 0)
        return NAME_KEY;
    return is_slot_name(name) ? NAME_SLOT : NAME_FOREIGN;
}

static name_kind kind_of(const char *name)
{
    char stem[NAME_OCTETS];
    const size_t len = strlen(name), suffix = sizeof UNFINISHED - 1;
    if (len <= suffix || len - suffix >= sizeof stem ||
        strcmp(name + len - suffix, UNFINISHED) != 0)
        return finished_kind(name);
    memcpy(stem, name, len - suffix);
    stem[len - suffix] = '\0';
    const name_kind kind = finished_kind(stem);
    return kind == NAME_KEY || kind == NAME_SLOT ? NAME_UNFINISHED : NAME_FOREIGN;
}

/** What there is in the directory. */
typedef struct contents {
    bool has_key, has_slots, has_foreign;
} contents;

static kf_err look_at(int dir, bool clean, contents *out)
{
    memset(out, 0, sizeof *out);
    const int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    if (stream == NULL) {
        if (copy >= 0)
            (void)close(copy);
        return KF_E_BACKEND;
    }
    kf_err err = KF_OK;
    const struct dirent *entry;
    while (err == KF_OK && (errno = 0, entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        const name_kind kind = kind_of(entry->d_name);
        out->has_key |= kind == NAME_KEY;
        out->has_slots |= kind == NAME_SLOT;
        out->has_foreign |= kind == NAME_FOREIGN;
        if (kind == NAME_UNFINISHED && clean && unlinkat(dir, entry->d_name, 0) != 0)
            err = KF_E_BACKEND;
    }
    if (errno != 0)
        err = KF_E_BACKEND;
    const int saved = errno;
    (void)closedir(stream);
    errno = saved;
    return err;
}

/* ---- whole files ---- */

static bool put_all(int fd, kf_slice octets)
{
    while (octets.len > 0) {
        const ssize_t n = write(fd, octets.ptr, octets.len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            octets = kf_slice_part(octets, (size_t)n, octets.len);
    }
    return true;
}

static bool write_new(int dir, const char *name, kf_slice octets)
{
    const int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool done = put_all(fd, octets) && fsync(fd) == 0;
    const int saved = errno;
    if (close(fd) != 0 && done)
        return false;
    errno = saved;
    return done;
}

/** Beside its place, synced, moved there, the directory synced: whole or not there. */
static kf_err put_file(int dir, const char *name, kf_slice octets)
{
    char unfinished[NAME_OCTETS + sizeof UNFINISHED];
    (void)snprintf(unfinished, sizeof unfinished, "%s" UNFINISHED, name);
    if (!write_new(dir, unfinished, octets) || renameat(dir, unfinished, dir, name) != 0) {
        const int saved = errno;
        (void)unlinkat(dir, unfinished, 0);
        errno = saved;
        return KF_E_BACKEND;
    }
    return fsync(dir) == 0 ? KF_OK : KF_E_BACKEND;
}

static bool get_all(int fd, uint8_t *out, size_t len)
{
    for (size_t got = 0; got < len;) {
        const ssize_t n = read(fd, out + got, len - got);
        if (n == 0)
            errno = EIO; /* it became shorter under our hands */
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        if (n > 0)
            got += (size_t)n;
    }
    return true;
}

/** Octets of a regular file of at most that many; for free(). errno says what is wrong. */
static kf_err get_open_file(int fd, size_t most, uint8_t **out, size_t *len)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return KF_E_BACKEND;
    if (!S_ISREG(st.st_mode) || st.st_size < 0 || (uintmax_t)st.st_size > most) {
        errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
        return KF_E_BACKEND;
    }
    *len = (size_t)st.st_size;
    if ((*out = malloc(*len + 1)) == NULL)
        return KF_E_NO_MEMORY;
    if (get_all(fd, *out, *len))
        return KF_OK;
    free(*out);
    *out = NULL;
    return KF_E_BACKEND;
}

static kf_err get_file(int dir, const char *name, size_t most, uint8_t **out, size_t *len)
{
    *out = NULL;
    const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? KF_E_DENIED : KF_E_BACKEND;
    const kf_err err = get_open_file(fd, most, out, len);
    const int saved = errno;
    (void)close(fd);
    errno = saved;
    return err;
}

/* ---- opening ---- */

static kf_err say(lab_state_fault *fault, kf_err err, const char *file, const char *why)
{
    (void)snprintf(fault->file, sizeof fault->file, "%s", file);
    fault->system = err == KF_E_BACKEND ? errno : 0;
    fault->why = why;
    return err;
}

/** A directory that was just made is not lost with the power. */
static bool sync_parent(int dir)
{
    const int parent = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return false;
    const bool done = fsync(parent) == 0;
    const int saved = errno;
    (void)close(parent);
    errno = saved;
    return done;
}

static kf_err open_directory(lab_state *s, const char *path, lab_state_fault *fault)
{
    struct stat st;
    const bool is_new = mkdir(path, 0700) == 0;
    if (!is_new && errno != EEXIST)
        return say(fault, KF_E_BACKEND, "", "the directory cannot be made");
    s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0 || fstat(s->dir, &st) != 0)
        return say(fault, KF_E_BACKEND, "", "the directory cannot be opened");
    if (st.st_uid != geteuid())
        return say(fault, KF_E_DENIED, "", "the directory belongs to another user");
    if ((st.st_mode & 077) != 0)
        return say(fault, KF_E_DENIED, "", "the directory is open to other users: chmod it to 700");
    if (is_new && !sync_parent(s->dir))
        return say(fault, KF_E_BACKEND, "", "the new directory cannot be synced");
    return KF_OK;
}

static kf_err take_lock(lab_state *s, lab_state_fault *fault)
{
    s->lock = openat(s->dir, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (s->lock < 0)
        return say(fault, KF_E_BACKEND, LOCK_NAME, "the lock file cannot be opened");
    if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
        return KF_OK;
    if (errno == EWOULDBLOCK)
        return say(fault, KF_E_STATE, LOCK_NAME, "another process has this state open");
    return say(fault, KF_E_BACKEND, LOCK_NAME, "the lock cannot be taken");
}

static kf_err make_key(lab_state *s, kf_slice passphrase, kf_scrypt_cost cost,
                       lab_state_fault *fault)
{
    uint8_t sealed[KEY_FILE_MAX];
    kf_writer w = kf_writer_init(sealed, sizeof sealed);
    kf_err err = kf_secret_new_random(s->rng, KEY_OCTETS, &s->key);
    if (err == KF_OK)
        err = kf_container_seal(KF_CONTAINER_STATE_KEY, passphrase, cost, kf_secret_view(s->key),
                                s->rng, &w);
    if (err != KF_OK) {
        errno = 0;
        return say(fault, err, KEY_NAME, "a key cannot be made");
    }
    err = put_file(s->dir, KEY_NAME, kf_writer_slice(&w));
    return err == KF_OK ? KF_OK : say(fault, err, KEY_NAME, "the key cannot be written");
}

static kf_err read_key(lab_state *s, kf_slice passphrase, lab_state_fault *fault)
{
    uint8_t *sealed = NULL;
    size_t len = 0;
    kf_fault ignored;
    kf_err err = get_file(s->dir, KEY_NAME, KEY_FILE_MAX, &sealed, &len);
    if (err == KF_E_BACKEND && errno == EFBIG)
        return say(fault, KF_E_AUTH, KEY_NAME, "this is no state key: it is too long");
    if (err != KF_OK)
        return say(fault, err, KEY_NAME, "the key cannot be read");
    err = kf_container_open(KF_CONTAINER_STATE_KEY, passphrase, (kf_slice){ sealed, len }, &s->key,
                            &ignored);
    free(sealed);
    if (err == KF_E_NO_MEMORY || err == KF_E_BACKEND) {
        errno = 0;
        return say(fault, err, KEY_NAME, "the key cannot be opened");
    }
    if (err == KF_E_AUTH)
        return say(fault, err, KEY_NAME, "the passphrase is wrong or the key file was altered");
    if (err != KF_OK || kf_secret_len(s->key) != KEY_OCTETS)
        return say(fault, KF_E_AUTH, KEY_NAME, "this is no state key, or it was altered");
    return KF_OK;
}

static kf_err open_parts(lab_state *s, const char *path, kf_slice passphrase, kf_scrypt_cost cost,
                         lab_state_fault *fault)
{
    contents there;
    kf_err err = open_directory(s, path, fault);
    if (err != KF_OK)
        return err;
    if (look_at(s->dir, false, &there) != KF_OK) /* before anything is made in it */
        return say(fault, KF_E_BACKEND, "", "the directory cannot be read");
    if (!there.has_key && there.has_foreign)
        return say(fault, KF_E_STATE, "", "the directory holds other files and no state");
    if ((err = take_lock(s, fault)) != KF_OK)
        return err;
    if (look_at(s->dir, true, &there) != KF_OK)
        return say(fault, KF_E_BACKEND, "", "unfinished files cannot be removed");
    if (there.has_key)
        return read_key(s, passphrase, fault);
    if (there.has_slots)
        return say(fault, KF_E_STATE, KEY_NAME, "there are records and no key to open them");
    return make_key(s, passphrase, cost, fault);
}

kf_err lab_state_open(const char *directory, kf_slice passphrase, kf_scrypt_cost cost,
                      const kf_rng *rng, lab_state **out, lab_state_fault *fault)
{
    *out = NULL;
    memset(fault, 0, sizeof *fault);
    lab_state *s = calloc(1, sizeof *s);
    if (s == NULL)
        return say(fault, KF_E_NO_MEMORY, "", "out of memory");
    s->dir = s->lock = -1;
    s->rng = rng;
    const kf_err err = open_parts(s, directory, passphrase, cost, fault);
    if (err == KF_OK)
        *out = s;
    else
        lab_state_close(&s);
    return err;
}

void lab_state_close(lab_state **state)
{
    lab_state *s = *state;
    if (s == NULL)
        return;
    kf_secret_free(&s->key);
    if (s->lock >= 0)
        (void)close(s->lock);
    if (s->dir >= 0)
        (void)close(s->dir);
    free(s);
    *state = NULL;
}

/* ---- records ---- */

/** What a record is bound to: that it is one of ours, and its slot. */
static kf_slice associated(uint32_t slot, uint8_t buf[AD_OCTETS])
{
    kf_writer w = kf_writer_init(buf, AD_OCTETS);
    kf_write_slice(&w, kf_slice_str(LABEL));
    kf_write_u32(&w, slot);
    return kf_writer_slice(&w);
}

static kf_err seal_record(const lab_state *s, uint32_t slot, kf_slice record, kf_writer *w)
{
    uint8_t ad[AD_OCTETS], nonce[NONCE_OCTETS];
    kf_err err = kf_rng_fill(s->rng, nonce, sizeof nonce);
    if (err != KF_OK)
        return err;
    kf_write_u8(w, VERSION_1);
    kf_write_octets(w, nonce, sizeof nonce);
    return kf_aead_seal(&KF_AES_256_GCM, kf_secret_view(s->key), KF_SLICE_OF(nonce),
                        associated(slot, ad), record, w);
}

kf_err lab_state_save(void *ctx, uint32_t slot, kf_slice record)
{
    const lab_state *s = ctx;
    char name[NAME_OCTETS];

    if (record.len > SLOT_FILE_MAX - HEAD_OCTETS - TAG_OCTETS) {
        errno = EFBIG;
        return KF_E_BACKEND;
    }
    const size_t cap = HEAD_OCTETS + record.len + TAG_OCTETS;
    uint8_t *sealed = malloc(cap);
    if (sealed == NULL)
        return KF_E_NO_MEMORY;
    kf_writer w = kf_writer_init(sealed, cap);
    errno = 0;
    kf_err err = seal_record(s, slot, record, &w);
    slot_name(slot, name);
    if (err == KF_OK)
        err = put_file(s->dir, name, kf_writer_slice(&w));
    const int saved = errno;
    free(sealed);
    errno = saved;
    return err == KF_OK || err == KF_E_NO_MEMORY ? err : KF_E_BACKEND;
}

kf_err lab_state_load(const lab_state *state, uint32_t slot, kf_secret **out)
{
    char name[NAME_OCTETS];
    uint8_t ad[AD_OCTETS], *octets = NULL;
    size_t len = 0;

    *out = NULL;
    slot_name(slot, name);
    kf_err err = get_file(state->dir, name, SLOT_FILE_MAX, &octets, &len);
    if (err != KF_OK)
        return err;
    const kf_slice sealed = { octets, len };
    if (len < HEAD_OCTETS + TAG_OCTETS)
        err = KF_E_TRUNCATED;
    else if (octets[0] != VERSION_1)
        err = KF_E_UNSUPPORTED;
    else
        err = kf_aead_open(&KF_AES_256_GCM, kf_secret_view(state->key),
                           kf_slice_part(sealed, 1, NONCE_OCTETS), associated(slot, ad),
                           kf_slice_part(sealed, HEAD_OCTETS, len), out);
    free(octets);
    return err;
}
