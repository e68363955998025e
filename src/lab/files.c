#include "lab/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/container.h"
#include "keyfill/box.h"

#define PASSPHRASE_MAX 1024u
#define KEY_FILE_MAX   (KF_CONTAINER_MAX + KF_CONTAINER_OVERHEAD)

/* ---- whole files ---- */

static kf_err cannot_read(lab_trouble *trouble, const char *field, const char *path,
                          const char *why)
{
    (void)lab_trouble_set(trouble, KF_E_BACKEND, field, "a file cannot be read", "",
                          "check the name in the configuration or request, and that you may "
                          "read it");
    trouble->code = "file";
    lab_trouble_why(trouble, "%.200s: %s", path, why);
    return KF_E_BACKEND;
}

static bool fill(int fd, uint8_t *to, size_t len)
{
    for (size_t got = 0; got < len;) {
        const ssize_t n = read(fd, to + got, len - got);
        if (n == 0)
            errno = EIO; /* shorter than it was */
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        got += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static kf_err read_open(int fd, const char *path, size_t max, const char *field, kf_secret **out,
                        lab_trouble *trouble)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return cannot_read(trouble, field, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return cannot_read(trouble, field, path, "it is not a file");
    if (st.st_size < 0 || (uintmax_t)st.st_size > max)
        return cannot_read(trouble, field, path, "it is too long");
    if (kf_secret_new((size_t)st.st_size, out) != KF_OK)
        return lab_trouble_set(trouble, KF_E_NO_MEMORY, field, "a file cannot be read",
                               "no memory that can be locked is left",
                               "raise the limit of locked memory (ulimit -l)");
    if (st.st_size == 0 || fill(fd, kf_secret_edit(*out), (size_t)st.st_size))
        return KF_OK;
    const int saved = errno;
    kf_secret_free(out);
    return cannot_read(trouble, field, path, strerror(saved));
}

kf_err lab_file_read(const char *path, size_t max, const char *field, kf_secret **out,
                     lab_trouble *trouble)
{
    *out = NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return cannot_read(trouble, field, path, strerror(errno));
    const kf_err err = read_open(fd, path, max, field, out, trouble);
    (void)close(fd);
    return err;
}

/* ---- passphrases ---- */

static const char *line_fault(kf_slice s, size_t *len)
{
    const uint8_t *end = s.len == 0 ? NULL : memchr(s.ptr, '\n', s.len);
    *len = end == NULL ? s.len : (size_t)(end - s.ptr);
    if (end != NULL && *len + 1 != s.len)
        return "it has more than one line";
    if (*len > 0 && s.ptr[*len - 1] == '\r')
        (*len)--;
    return *len == 0 ? "it is empty" : NULL;
}

kf_err lab_passphrase_read(const char *path, const char *field, kf_secret **out,
                           lab_trouble *trouble)
{
    kf_secret *file = NULL;
    size_t len = 0;
    *out = NULL;
    kf_err err = lab_file_read(path, PASSPHRASE_MAX, field, &file, trouble);
    if (err != KF_OK)
        return err;
    const char *fault = line_fault(kf_secret_view(file), &len);
    if (fault != NULL)
        err = cannot_read(trouble, field, path, fault);
    else if ((err = kf_secret_new_copy(kf_slice_part(kf_secret_view(file), 0, len), out)) != KF_OK)
        (void)lab_trouble_set(trouble, err, field, "a passphrase cannot be kept", kf_err_text(err),
                              "raise the limit of locked memory (ulimit -l)");
    kf_secret_free(&file);
    return err;
}

/* ---- the state ---- */

static void tell_state(const lab_node_config *config, kf_err err, const lab_state_fault *fault,
                       lab_trouble *trouble)
{
    const char *slash = fault->file[0] == '\0' ? "" : "/";
    const char *remedy = "check the directory that `state` names, and its disk";
    if (err == KF_E_AUTH)
        remedy = "give the passphrase that the state was made with, in passphrase_file";
    else if (err == KF_E_STATE && strcmp(fault->file, "lock") == 0)
        remedy = "stop the other process, or give this one a state of its own";
    (void)lab_trouble_set(trouble, err, err == KF_E_AUTH ? "passphrase_file" : "state",
                          "the state cannot be opened", "", remedy);
    lab_trouble_why(trouble, "%.160s%s%s: %s%s%s", config->state, slash, fault->file, fault->why,
                    fault->system == 0 ? "" : ": ",
                    fault->system == 0 ? "" : strerror(fault->system));
}

kf_err lab_files_state(const lab_node_config *config, kf_scrypt_cost cost, const kf_rng *rng,
                       lab_state **out, lab_trouble *trouble)
{
    lab_state_fault fault = { .why = "" };
    kf_secret *passphrase = NULL;
    *out = NULL;
    kf_err err =
        lab_passphrase_read(config->passphrase_file, "passphrase_file", &passphrase, trouble);
    if (err != KF_OK)
        return err;
    err = lab_state_open(config->state, kf_secret_view(passphrase), cost, rng, out, &fault);
    kf_secret_free(&passphrase);
    if (err != KF_OK)
        tell_state(config, err, &fault, trouble);
    return err;
}

/* ---- keys ---- */

kf_err lab_files_keys(const lab_node_config *config, keyfill_file *out, lab_trouble *trouble)
{
    kf_secret *passphrase = NULL, *sealed = NULL;
    kf_fault fault = { .code = KF_OK };
    *out = (keyfill_file){ 0 };
    if (config->key_file[0] == '\0')
        return KF_OK;
    kf_err err = lab_passphrase_read(config->key_passphrase_file, "key_passphrase_file",
                                     &passphrase, trouble);
    if (err == KF_OK)
        err = lab_file_read(config->key_file, KEY_FILE_MAX, "key_file", &sealed, trouble);
    if (err == KF_OK) {
        err = keyfill_box_open(kf_secret_view(sealed), kf_secret_view(passphrase), out, &fault);
        if (err != KF_OK)
            (void)lab_trouble_set(
                trouble, err, "key_file", "the key file cannot be opened", kf_err_text(err),
                err == KF_E_AUTH ? "check key_passphrase_file, and that the file is the one "
                                   "that `keyferry keys` wrote"
                                 : "make it with `keyferry keys`");
    }
    kf_secret_free(&sealed);
    kf_secret_free(&passphrase);
    return err;
}
