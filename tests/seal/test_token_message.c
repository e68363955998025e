/* The messages between vault and broker: round trips, every prefix, one octet more, bad codes. */
#include "support/testing.h"

#include <string.h>

#include "base/text.h"
#include "seal/token_message.h"

#define NONE ((kf_slice){ NULL, 0 })

static uint8_t refusal_octets[TOKEN_REFUSAL_OCTETS] = { TOKEN_REFUSAL_LOCKED };
static uint8_t many[TOKEN_OCTETS_MAX + 1];
static const kf_slice refusal = { refusal_octets, sizeof refusal_octets };

/* n octets to carry. */
static kf_slice some(size_t n)
{
    memset(many, 0x5a, sizeof many);
    return (kf_slice){ many, n };
}

/* Where the fields lie in a message without its frame. */
enum { VERSION_AT, OP_AT, RESULT_AT, STATE_AT };

static kf_slice body(const kf_writer *w)
{
    size_t len = 0;
    assert_ok(token_frame_read(w->buf, &len));
    assert_int_equal(len + TOKEN_FRAME_OCTETS, w->len);
    return kf_slice_part(kf_writer_slice(w), TOKEN_FRAME_OCTETS, len);
}

static kf_err parse(bool answer, kf_slice message)
{
    token_request q;
    token_answer a;
    kf_fault fault;
    kf_err err =
        answer ? token_answer_parse(message, &a, &fault) : token_request_parse(message, &q, &fault);
    assert_int_equal(err, fault.code);
    if (err != KF_OK) {
        assert_non_null(fault.field);
        assert_true(answer ? a.op == 0 && a.octets.ptr == NULL : q.op == 0 && q.octets.ptr == NULL);
    }
    return err;
}

/* Every prefix is refused as truncated, one octet more as trailing. */
static void check_length(bool answer, kf_slice message)
{
    uint8_t longer[TOKEN_MESSAGE_MAX + 1] = { 0 };
    for (size_t len = 0; len < message.len; len++)
        assert_err(parse(answer, kf_slice_part(message, 0, len)), KF_E_TRUNCATED);
    memcpy(longer, message.ptr, message.len);
    assert_err(parse(answer, (kf_slice){ longer, message.len + 1 }), KF_E_TRAILING);
}

typedef struct row {
    token_op op;
    kf_err result;
    kf_slice refusal;
    size_t octets;
    kf_err want;
} row;

static void test_requests(void **state)
{
    (void)state;
    const row rows[] = {
        { TOKEN_PROBE, KF_OK, NONE, 0, KF_OK },
        { TOKEN_PROBE, KF_OK, refusal, 0, KF_OK },
        { TOKEN_PROBE, KF_OK, NONE, 1, KF_E_MALFORMED },
        { TOKEN_MAKE_KEY, KF_OK, refusal, 0, KF_OK },
        { TOKEN_MAKE_KEY, KF_OK, NONE, 1, KF_E_MALFORMED },
        { TOKEN_WRAP, KF_OK, NONE, 32, KF_OK },
        { TOKEN_WRAP, KF_OK, NONE, 31, KF_E_MALFORMED },
        { TOKEN_WRAP, KF_OK, NONE, 33, KF_E_MALFORMED },
        { TOKEN_UNWRAP, KF_OK, refusal, 41, KF_OK },
        { TOKEN_UNWRAP, KF_OK, refusal, TOKEN_OCTETS_MAX, KF_OK },
        { TOKEN_UNWRAP, KF_OK, NONE, 0, KF_E_MALFORMED },
        { TOKEN_UNWRAP, KF_OK, NONE, TOKEN_OCTETS_MAX + 1, KF_E_MALFORMED },
        { (token_op)0, KF_OK, NONE, 0, KF_E_UNSUPPORTED },
        { (token_op)5, KF_OK, NONE, 0, KF_E_UNSUPPORTED },
    };
    for (size_t i = 0; i < KF_COUNT(rows); i++) {
        uint8_t buf[TOKEN_FRAME_OCTETS + TOKEN_MESSAGE_MAX + 1];
        kf_writer w = kf_writer_init(buf, sizeof buf);
        token_request in = { rows[i].op, rows[i].refusal, some(rows[i].octets) }, out;
        kf_fault fault;
        assert_ok(token_request_write(&in, &w));
        kf_slice message = body(&w);
        assert_err(parse(false, message), rows[i].want);
        if (rows[i].want != KF_OK)
            continue;
        assert_ok(token_request_parse(message, &out, &fault));
        assert_int_equal(out.op, in.op);
        assert_slice_equal(out.refusal, in.refusal);
        assert_slice_equal(out.octets, in.octets);
        check_length(false, message);
    }
}

static void test_answers(void **state)
{
    (void)state;
    const row rows[] = {
        { TOKEN_PROBE, KF_OK, NONE, 0, KF_OK },
        { TOKEN_PROBE, KF_E_BACKEND, refusal, 0, KF_OK },
        { TOKEN_PROBE, KF_OK, NONE, 1, KF_E_MALFORMED },
        { TOKEN_MAKE_KEY, KF_E_STATE, NONE, 0, KF_OK },
        { TOKEN_WRAP, KF_OK, NONE, 41, KF_OK },
        { TOKEN_WRAP, KF_OK, NONE, 0, KF_E_MALFORMED },
        { TOKEN_WRAP, KF_E_BACKEND, NONE, 41, KF_E_MALFORMED },
        { TOKEN_UNWRAP, KF_OK, NONE, 32, KF_OK },
        { TOKEN_UNWRAP, KF_OK, NONE, 31, KF_E_MALFORMED },
        { TOKEN_UNWRAP, KF_OK, NONE, 33, KF_E_MALFORMED },
        { TOKEN_UNWRAP, KF_E_AUTH, NONE, 0, KF_OK },
        { TOKEN_UNWRAP, KF_E_AUTH, NONE, 32, KF_E_MALFORMED }, /* no secret with a failure */
        { TOKEN_PROBE, KF_E_DENIED, NONE, 0, KF_E_MALFORMED },
        { TOKEN_PROBE, (kf_err)0xff, NONE, 0, KF_E_MALFORMED },
        { (token_op)5, KF_OK, NONE, 0, KF_E_UNSUPPORTED },
    };
    for (size_t i = 0; i < KF_COUNT(rows); i++) {
        uint8_t buf[TOKEN_FRAME_OCTETS + TOKEN_MESSAGE_MAX + 1];
        kf_writer w = kf_writer_init(buf, sizeof buf);
        token_answer in = { rows[i].op, rows[i].result,  SEAL_TOKEN_REFUSED,
                            0x32,       rows[i].refusal, some(rows[i].octets) },
                     out;
        kf_fault fault;
        assert_ok(token_answer_write(&in, &w));
        kf_slice message = body(&w);
        assert_err(parse(true, message), rows[i].want);
        if (rows[i].want != KF_OK)
            continue;
        assert_ok(token_answer_parse(message, &out, &fault));
        assert_int_equal(out.op, in.op);
        assert_int_equal(out.result, in.result);
        assert_int_equal(out.state, in.state);
        assert_int_equal(out.rv, in.rv);
        assert_slice_equal(out.refusal, in.refusal);
        assert_slice_equal(out.octets, in.octets);
        check_length(true, message);
    }
}

/* Every value of each code octet: those that are named are taken, the others refused. */
static void test_codes(void **state)
{
    (void)state;
    uint8_t ask[TOKEN_FRAME_OCTETS + TOKEN_MESSAGE_MAX], tell[sizeof ask];
    kf_writer wa = kf_writer_init(ask, sizeof ask), wt = kf_writer_init(tell, sizeof tell);
    const token_request q = { TOKEN_PROBE, refusal, NONE };
    const token_answer a = { TOKEN_PROBE, KF_OK, SEAL_TOKEN_READY, 0, refusal, NONE };
    assert_ok(token_request_write(&q, &wa));
    assert_ok(token_answer_write(&a, &wt));
    const kf_slice asked = body(&wa), told = body(&wt);
    uint8_t *in_ask = ask + TOKEN_FRAME_OCTETS, *in_tell = tell + TOKEN_FRAME_OCTETS;
    const struct {
        bool answer;
        uint8_t *octet;
        unsigned first, last;
        kf_err want;
    } codes[] = {
        { false, in_ask + VERSION_AT, 1, 1, KF_E_UNSUPPORTED },
        { true, in_tell + VERSION_AT, 1, 1, KF_E_UNSUPPORTED },
        { true, in_tell + STATE_AT, 0, SEAL_TOKEN_REFUSED, KF_E_MALFORMED },
        { false, in_ask + 4, TOKEN_REFUSAL_WRONG, TOKEN_REFUSAL_FLAGGED, KF_E_MALFORMED },
        { true, in_tell + 10, TOKEN_REFUSAL_WRONG, TOKEN_REFUSAL_FLAGGED, KF_E_MALFORMED },
    };
    for (size_t i = 0; i < KF_COUNT(codes); i++) {
        uint8_t was = *codes[i].octet;
        for (unsigned v = 0; v < 256; v++) {
            *codes[i].octet = (uint8_t)v;
            bool named = v >= codes[i].first && v <= codes[i].last;
            assert_err(parse(codes[i].answer, codes[i].answer ? told : asked),
                       named ? KF_OK : codes[i].want);
        }
        *codes[i].octet = was;
    }
    in_ask[3]--; /* a refusal of another length, though all octets are there */
    assert_err(parse(false, asked), KF_E_MALFORMED);
}

static void test_frames(void **state)
{
    (void)state;
    const struct {
        const char *hex;
        size_t len;
    } frames[] = {
        { "00000000", 0 },
        { "00000001", 1 },
        { "ffffffff", 0 },
        { "80000001", 0 },
        { "00000241", 16 + 49 + 512 },
        { "00000242", 0 },
    };
    for (size_t i = 0; i < KF_COUNT(frames); i++) {
        uint8_t octets[TOKEN_FRAME_OCTETS];
        size_t len = 99;
        (void)testing_hex(frames[i].hex, octets, sizeof octets);
        assert_err(token_frame_read(octets, &len), frames[i].len > 0 ? KF_OK : KF_E_MALFORMED);
        assert_int_equal(len, frames[i].len);
    }
}

/* A writer that is too small says so, and nothing is half sent by mistake. */
static void test_no_space(void **state)
{
    (void)state;
    const token_request q = { TOKEN_WRAP, refusal, some(32) };
    uint8_t buf[TOKEN_FRAME_OCTETS + TOKEN_MESSAGE_MAX];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    assert_ok(token_request_write(&q, &w));
    for (size_t cap = 0, need = w.len; cap < need; cap++) {
        kf_writer tight = kf_writer_init(buf, cap);
        assert_err(token_request_write(&q, &tight), KF_E_NO_SPACE);
    }
}

/* Each state has a name and a remedy of its own, and the URI is what slots take. */
static void test_words(void **state)
{
    (void)state;
    uint8_t buf[64];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    for (unsigned i = 0; i <= SEAL_TOKEN_REFUSED; i++) {
        assert_non_null(seal_token_state_remedy((seal_token_state)i));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(seal_token_state_name((seal_token_state)i),
                                    seal_token_state_name((seal_token_state)j));
    }
    assert_null(seal_token_state_name((seal_token_state)(SEAL_TOKEN_REFUSED + 1)));
    assert_null(seal_token_state_remedy((seal_token_state)(SEAL_TOKEN_REFUSED + 1)));
    assert_ok(seal_token_uri("fire & county/2", &w));
    assert_slice_equal(kf_writer_slice(&w), kf_slice_str("pkcs11:token=fire%20%26%20county%2f2"));
    assert_true(kf_text_is_uri(kf_writer_slice(&w), sizeof buf));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests), cmocka_unit_test(test_answers),
        cmocka_unit_test(test_codes),    cmocka_unit_test(test_frames),
        cmocka_unit_test(test_no_space), cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
