#include "pin.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "crypto/random.h"

#define PIN_MAX     128u
#define SALT_OCTETS 16u
#define SALT_AT     1u
#define DIGEST_AT   (SALT_AT + SALT_OCTETS)

static kf_err read_line(int fd, kf_secret **out)
{
    struct stat st;
    kf_secret *line = NULL;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & S_IRWXO) != 0)
        return KF_E_DENIED;
    kf_err err = kf_secret_new(PIN_MAX + 2, &line);
    if (err != KF_OK)
        return err;
    ssize_t n = read(fd, kf_secret_edit(line), PIN_MAX + 2);
    kf_slice text = kf_slice_part(kf_secret_view(line), 0, n > 0 ? (size_t)n : 0);
    if (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    bool fits = text.len > 0 && text.len <= PIN_MAX && memchr(text.ptr, '\n', text.len) == NULL;
    err = fits ? kf_secret_new_copy(text, out) : KF_E_DENIED;
    kf_secret_free(&line);
    return err;
}

kf_err pin_read(const char *path, kf_secret **out)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return KF_E_DENIED;
    kf_err err = read_line(fd, out);
    close(fd);
    return err;
}

static kf_err digest(const uint8_t *refusal, const kf_secret *pin, uint8_t *out)
{
    kf_slice part = kf_secret_view(pin);
    return kf_hmac_parts(&KF_SHA256, (kf_slice){ refusal + SALT_AT, SALT_OCTETS }, &part, 1, out);
}

kf_err pin_remember(token_refusal kind, const kf_secret *pin, uint8_t refusal[TOKEN_REFUSAL_OCTETS])
{
    refusal[0] = (uint8_t)kind;
    kf_err err = kf_rng_fill(kf_random(), refusal + SALT_AT, SALT_OCTETS);
    return err == KF_OK ? digest(refusal, pin, refusal + DIGEST_AT) : err;
}

bool pin_is_refused(const uint8_t refusal[TOKEN_REFUSAL_OCTETS], const kf_secret *pin)
{
    uint8_t now[KF_SHA256_OCTETS];
    return digest(refusal, pin, now) != KF_OK ||
           kf_ct_equal(KF_SLICE_OF(now), (kf_slice){ refusal + DIGEST_AT, sizeof now });
}
