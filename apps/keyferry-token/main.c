/* The token broker: a process that has a PKCS#11 module in it, so that the vault has not. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/selftest.h"
#include "p11.h"
#include "ways.h"

#define EXIT_USAGE 2
#define VAULT      STDIN_FILENO /* the socket that it was started with */

/* Octets that tell of themselves, or of a token that is not well? */
static bool octets_are_to_blame(p11 *p, CK_OBJECT_HANDLE key)
{
    switch (p->rv) {
    case CKR_ENCRYPTED_DATA_INVALID:
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
    case CKR_WRAPPED_KEY_INVALID:
    case CKR_WRAPPED_KEY_LEN_RANGE:
        return true;
    default: /* modules also say "general error" when the octets are wrong */
        return p11_state(p) == SEAL_TOKEN_REFUSED && ways_work(p, key);
    }
}

static kf_err make_key(p11 *p, token_answer *a)
{
    CK_OBJECT_HANDLE key;
    a->state = p11_key(p, &key);
    if (a->state == SEAL_TOKEN_READY)
        return KF_E_STATE; /* what it wraps must stay openable: never a second one */
    if (a->state != SEAL_TOKEN_NO_KEY)
        return KF_E_BACKEND;
    p->rv = ways_make_key(p);
    a->state = p->rv == CKR_OK ? SEAL_TOKEN_READY : p11_state(p);
    return p->rv == CKR_OK ? KF_OK : KF_E_BACKEND;
}

static kf_err wrap(p11 *p, kf_slice octets, kf_writer *out, token_answer *a)
{
    CK_OBJECT_HANDLE key;
    kf_secret *secret = NULL;

    a->state = p11_key(p, &key);
    if (a->state != SEAL_TOKEN_READY)
        return KF_E_BACKEND;
    if (kf_secret_new_copy(octets, &secret) != KF_OK)
        return KF_E_BACKEND;
    p->rv = ways_wrap(p, key, secret, out);
    kf_secret_free(&secret);
    if (p->rv != CKR_OK)
        a->state = p11_state(p);
    return p->rv == CKR_OK ? KF_OK : KF_E_BACKEND;
}

static kf_err unwrap(p11 *p, kf_slice octets, kf_writer *out, token_answer *a)
{
    CK_OBJECT_HANDLE key;
    kf_secret *secret = NULL;

    a->state = p11_key(p, &key);
    if (a->state != SEAL_TOKEN_READY)
        return KF_E_BACKEND;
    p->rv = ways_unwrap(p, key, octets, &secret);
    if (p->rv == CKR_OK) {
        kf_write_slice(out, kf_secret_view(secret));
        kf_secret_free(&secret);
        return out->err;
    }
    if (octets_are_to_blame(p, key))
        return KF_E_AUTH;
    a->state = p11_state(p);
    return KF_E_BACKEND;
}

static kf_err act(p11 *p, const token_request *q, kf_writer *out, token_answer *a)
{
    CK_OBJECT_HANDLE key;

    a->state = p11_login(p);
    if (a->state != SEAL_TOKEN_READY)
        return KF_E_BACKEND;
    switch (q->op) {
    case TOKEN_PROBE:
        a->state = p11_key(p, &key);
        return a->state == SEAL_TOKEN_READY ? KF_OK : KF_E_BACKEND;
    case TOKEN_MAKE_KEY:
        return make_key(p, a);
    case TOKEN_WRAP:
        return wrap(p, q->octets, out, a);
    case TOKEN_UNWRAP:
        return unwrap(p, q->octets, out, a);
    }
    return KF_E_BACKEND;
}

/* A session or a token that went away is looked for once more, from nothing. */
static void serve(p11 *p, const token_request *q, kf_secret *scratch, token_answer *a)
{
    kf_writer out = kf_writer_init(kf_secret_edit(scratch), kf_secret_len(scratch));

    p->refusal_len = q->refusal.len;
    if (q->refusal.len > 0)
        memcpy(p->refusal, q->refusal.ptr, q->refusal.len);
    for (int turn = 0; turn < 2; turn++) {
        out.len = 0;
        *a = (token_answer){ .op = q->op };
        p->rv = CKR_OK;
        a->result = act(p, q, &out, a);
        bool lost = a->state == SEAL_TOKEN_LOGGED_OUT || a->state == SEAL_TOKEN_ABSENT;
        if (!lost)
            break;
        p11_unload(p);
    }
    a->rv = (uint32_t)p->rv;
    if (a->result == KF_OK)
        a->octets = kf_writer_slice(&out);
    a->refusal = (kf_slice){ p->refusal, p->refusal_len };
}

/* true when all octets came, or went. */
static bool read_all(uint8_t *octets, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(VAULT, octets, len, 0);
        if (n <= 0 && !(n < 0 && errno == EINTR))
            return false;
        if (n > 0) {
            octets += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static bool write_all(kf_slice s)
{
    while (s.len > 0) {
        ssize_t n = send(VAULT, s.ptr, s.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            s = kf_slice_part(s, (size_t)n, s.len);
    }
    return true;
}

/* One request and its answer; false when the vault is gone, or is not making sense. */
static bool turn(p11 *p, kf_secret *in, kf_secret *out, kf_secret *scratch)
{
    uint8_t frame[TOKEN_FRAME_OCTETS];
    size_t len;
    token_request request;
    token_answer answer;
    kf_fault fault;

    if (!read_all(frame, sizeof frame) || token_frame_read(frame, &len) != KF_OK ||
        !read_all(kf_secret_edit(in), len) ||
        token_request_parse(kf_slice_part(kf_secret_view(in), 0, len), &request, &fault) != KF_OK)
        return false;
    serve(p, &request, scratch, &answer);
    kf_wipe(kf_secret_edit(in), kf_secret_len(in));
    kf_writer w = kf_writer_init(kf_secret_edit(out), kf_secret_len(out));
    bool ok = token_answer_write(&answer, &w) == KF_OK && write_all(kf_writer_slice(&w));
    kf_wipe(kf_secret_edit(scratch), kf_secret_len(scratch));
    kf_wipe(kf_secret_edit(out), kf_secret_len(out));
    return ok;
}

/* What a module does with our secret is in memory that we do not manage: keep all of it from swap
 * where the limit allows. */
static bool harden(void)
{
    struct rlimit locked;
    if (kf_process_harden() != KF_OK || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || close_range(3, ~0u, 0) != 0)
        return false;
#ifndef KF_SANITIZED
    if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur == RLIM_INFINITY)
        (void)mlockall(MCL_CURRENT | MCL_FUTURE);
#else
    (void)locked;
#endif
    return true;
}

static const char usage[] =
    "usage: keyferry-token --token LABEL --key LABEL --pin-file FILE [--module PATH]\n"
    "Started by a vault with a socket as standard input; not for use by hand.\n";

static bool read_options(int argc, char **argv, p11_options *out)
{
    static const struct option table[] = {
        { "token", required_argument, NULL, 't' },
        { "key", required_argument, NULL, 'k' },
        { "pin-file", required_argument, NULL, 'p' },
        { "module", required_argument, NULL, 'm' },
        { NULL, 0, NULL, 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        const char **where = c == 't'   ? &out->token
                             : c == 'k' ? &out->key
                             : c == 'p' ? &out->pin_file
                             : c == 'm' ? &out->module
                                        : NULL;
        if (where == NULL)
            return false;
        *where = optarg;
    }
    return optind == argc && out->token != NULL && out->key != NULL && out->pin_file != NULL &&
           strlen(out->key) < 256;
}

int main(int argc, char **argv)
{
    p11 p = { .modules = NULL };
    kf_secret *in = NULL, *out = NULL, *scratch = NULL;

    if (!read_options(argc, argv, &p.options)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (!harden() || kf_crypto_selftest(NULL, NULL) != KF_OK ||
        kf_secret_new_guarded(TOKEN_MESSAGE_MAX, &in) != KF_OK ||
        kf_secret_new_guarded(TOKEN_FRAME_OCTETS + TOKEN_MESSAGE_MAX, &out) != KF_OK ||
        kf_secret_new_guarded(TOKEN_OCTETS_MAX, &scratch) != KF_OK) {
        fputs("keyferry-token: cannot start safely\n", stderr);
        return 1;
    }
    p11_kit_be_quiet();
    while (turn(&p, in, out, scratch)) {
    }
    p11_unload(&p);
    kf_secret_free(&in);
    kf_secret_free(&out);
    kf_secret_free(&scratch);
    return 0;
}
