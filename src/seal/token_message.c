#include "seal/token_message.h"

#include <string.h>

#define VERSION_1 1u

kf_err token_frame_read(const uint8_t frame[TOKEN_FRAME_OCTETS], size_t *len)
{
    kf_fault fault;
    kf_reader r = kf_reader_init((kf_slice){ frame, TOKEN_FRAME_OCTETS }, &fault);
    *len = kf_read_u32(&r, "frame.length");
    if (*len > 0 && *len <= TOKEN_MESSAGE_MAX)
        return KF_OK;
    *len = 0;
    return KF_E_MALFORMED;
}

static token_op read_op(kf_reader *r)
{
    if (kf_read_u8(r, "token.version") != VERSION_1 && kf_reader_ok(r))
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "token.version");
    uint8_t op = kf_read_u8(r, "token.operation");
    if (kf_reader_ok(r) && (op < TOKEN_PROBE || op > TOKEN_UNWRAP))
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "token.operation");
    return (token_op)op;
}

static kf_slice read_refusal(kf_reader *r)
{
    size_t at = r->off;
    uint16_t len = kf_read_u16(r, "token.refusal");
    if (kf_reader_ok(r) && len != 0 && len != TOKEN_REFUSAL_OCTETS)
        kf_reader_fail_at(r, at, KF_E_MALFORMED, "token.refusal");
    kf_slice s = kf_read_slice(r, len, "token.refusal");
    if (s.len > 0 && (s.ptr[0] < TOKEN_REFUSAL_WRONG || s.ptr[0] > TOKEN_REFUSAL_FLAGGED))
        kf_reader_fail_at(r, at + 2, KF_E_MALFORMED, "token.refusal");
    return s;
}

static kf_slice read_octets(kf_reader *r)
{
    size_t at = r->off;
    uint16_t len = kf_read_u16(r, "token.octets");
    if (kf_reader_ok(r) && len > TOKEN_OCTETS_MAX)
        kf_reader_fail_at(r, at, KF_E_MALFORMED, "token.octets");
    return kf_read_slice(r, len, "token.octets");
}

/* How many octets an operation carries: least and most. */
typedef struct range {
    size_t least, most;
} range;

static const range asked[] = {
    [TOKEN_PROBE] = { 0, 0 },
    [TOKEN_MAKE_KEY] = { 0, 0 },
    [TOKEN_WRAP] = { TOKEN_SECRET_OCTETS, TOKEN_SECRET_OCTETS },
    [TOKEN_UNWRAP] = { 1, TOKEN_OCTETS_MAX },
};
static const range answered[] = {
    [TOKEN_PROBE] = { 0, 0 },
    [TOKEN_MAKE_KEY] = { 0, 0 },
    [TOKEN_WRAP] = { 1, TOKEN_OCTETS_MAX },
    [TOKEN_UNWRAP] = { TOKEN_SECRET_OCTETS, TOKEN_SECRET_OCTETS },
};
static const range nothing = { 0, 0 };

static void check_range(kf_reader *r, range allowed, size_t len)
{
    if (kf_reader_ok(r) && (len < allowed.least || len > allowed.most))
        kf_reader_fail_at(r, r->off - len - 2, KF_E_MALFORMED, "token.octets");
}

kf_err token_request_parse(kf_slice message, token_request *out, kf_fault *fault)
{
    token_request q = { 0 };
    kf_reader r = kf_reader_init(message, fault);

    memset(out, 0, sizeof *out);
    q.op = read_op(&r);
    q.refusal = read_refusal(&r);
    q.octets = read_octets(&r);
    if (kf_reader_ok(&r))
        check_range(&r, asked[q.op], q.octets.len);
    kf_err err = kf_reader_end(&r, "token.request");
    if (err == KF_OK)
        *out = q;
    return err;
}

static kf_err read_result(kf_reader *r)
{
    kf_err result = (kf_err)kf_read_u8(r, "token.result");
    if (kf_reader_ok(r) && result != KF_OK && result != KF_E_STATE && result != KF_E_AUTH &&
        result != KF_E_BACKEND)
        kf_reader_fail_at(r, r->off - 1, KF_E_MALFORMED, "token.result");
    return result;
}

kf_err token_answer_parse(kf_slice message, token_answer *out, kf_fault *fault)
{
    token_answer a = { 0 };
    kf_reader r = kf_reader_init(message, fault);

    memset(out, 0, sizeof *out);
    a.op = read_op(&r);
    a.result = read_result(&r);
    uint8_t state = kf_read_u8(&r, "token.state");
    if (kf_reader_ok(&r) && seal_token_state_name((seal_token_state)state) == NULL)
        kf_reader_fail_at(&r, r.off - 1, KF_E_MALFORMED, "token.state");
    a.state = (seal_token_state)state;
    a.rv = kf_read_u32(&r, "token.rv");
    a.refusal = read_refusal(&r);
    a.octets = read_octets(&r);
    if (kf_reader_ok(&r))
        check_range(&r, a.result == KF_OK ? answered[a.op] : nothing, a.octets.len);
    kf_err err = kf_reader_end(&r, "token.answer");
    if (err == KF_OK)
        *out = a;
    return err;
}

static void write_len16(kf_writer *w, kf_slice octets)
{
    size_t mark = kf_write_len16_begin(w);
    kf_write_slice(w, octets);
    kf_write_len16_end(w, mark);
}

kf_err token_request_write(const token_request *q, kf_writer *w)
{
    kf_write_u32(w, (uint32_t)(2 + 2 + q->refusal.len + 2 + q->octets.len));
    kf_write_u8(w, VERSION_1);
    kf_write_u8(w, (uint8_t)q->op);
    write_len16(w, q->refusal);
    write_len16(w, q->octets);
    return w->err;
}

kf_err token_answer_write(const token_answer *a, kf_writer *w)
{
    kf_write_u32(w, (uint32_t)(8 + 2 + a->refusal.len + 2 + a->octets.len));
    kf_write_u8(w, VERSION_1);
    kf_write_u8(w, (uint8_t)a->op);
    kf_write_u8(w, (uint8_t)a->result);
    kf_write_u8(w, (uint8_t)a->state);
    kf_write_u32(w, a->rv);
    write_len16(w, a->refusal);
    write_len16(w, a->octets);
    return w->err;
}
