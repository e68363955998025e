/* What every act needs of the store: statements with their refusals, row IDs, wrapped secrets. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/writer.h"
#include "crypto/aead.h"
#include "vault/parts.h"

#define WRAP_VERSION 1u
#define NONCE_OCTETS 12u
#define PLACE_MAX    64u

/* ---- refusals ---- */

/* Octets of the character that begins here; 0: none does. */
static size_t character(const uint8_t *c)
{
    static const struct {
        uint8_t first, last, low, high; /* of the first octet, and of the second */
        size_t octets;
    } forms[] = { { 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
                  { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
                  { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
                  { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
                  { 0xf4, 0xf4, 0x80, 0x8f, 4 } };
    size_t f = 0, n = 1;
    while (f < KF_COUNT(forms) && (c[0] < forms[f].first || c[0] > forms[f].last))
        f++;
    if (f == KF_COUNT(forms) ||
        (forms[f].octets > 1 && (c[1] < forms[f].low || c[1] > forms[f].high)))
        return 0;
    for (n = 2; n < forms[f].octets; n++) /* the NUL at the end is no continuation */
        if ((c[n] & 0xc0u) != 0x80)
            return 0;
    return forms[f].octets;
}

void vault_mend(char *text)
{
    uint8_t *c = (uint8_t *)text;
    while (*c != 0) {
        const size_t octets = character(c);
        if (octets == 0)
            *c = '?';
        c += octets == 0 ? 1 : octets;
    }
}

static void put(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text == NULL ? "" : text);
    vault_mend(to);
}

kf_err vault_refuse(vault_act *act, kf_err err, const char *code, const char *field,
                    const char *what, const char *why, const char *remedy)
{
    vault_refusal *r = act->refusal;
    put(r->code, sizeof r->code, code);
    put(r->field, sizeof r->field, field);
    put(r->what, sizeof r->what, what);
    put(r->why, sizeof r->why, why);
    put(r->remedy, sizeof r->remedy, remedy);
    return err;
}

kf_err vault_refuse_f(vault_act *act, kf_err err, const char *code, const char *field,
                      const char *remedy, const char *what, ...)
{
    vault_refusal *r = act->refusal;
    va_list list;
    vault_refuse(act, err, code, field, NULL, NULL, remedy);
    va_start(list, what);
    vsnprintf(r->what, sizeof r->what, what, list);
    va_end(list);
    vault_mend(r->what);
    return err;
}

void vault_about(vault_act *act, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(act->subject, sizeof act->subject, format, list);
    va_end(list);
    vault_mend(act->subject);
}

void vault_note(vault_act *act, const char *format, ...)
{
    const size_t len = strlen(act->detail);
    va_list list;
    va_start(list, format);
    if (len > 0 && len + 2 < sizeof act->detail)
        memcpy(act->detail + len, "; ", 3);
    const size_t at = strlen(act->detail);
    vsnprintf(act->detail + at, sizeof act->detail - at, format, list);
    va_end(list);
    vault_mend(act->detail);
}

static const struct {
    store_reason reason;
    const char *code, *what, *remedy;
} store_refusals[] = {
    { STORE_CLASH, "clash", "something of that name or number is there already",
      "list what there is, and choose another" },
    { STORE_AGAIN, "busy", "another process changed the same rows at the same time", "try again" },
    { STORE_FULL, "no-space", "the store is full", "make space; nothing was changed" },
    { STORE_READ_ONLY, "read-only", "the store may not be written", "check its permissions" },
    { STORE_LOST, "store-lost", "the store does not answer",
      "wait for it, then look and try again" },
    { STORE_CORRUPT, "store-damaged", "the store is damaged", "restore the last backup" },
};

static kf_err store_refusal(vault_act *act, kf_err err)
{
    const store_fault *fault = store_last_fault(act->db);
    if (err == KF_E_NO_MEMORY)
        return vault_refuse(act, err, "no-memory", NULL, "memory is short", NULL, "try again");
    if (err != KF_E_BACKEND && err != KF_E_DENIED)
        return err; /* a row's callback, which refused by itself */
    for (size_t i = 0; i < KF_COUNT(store_refusals); i++)
        if (fault->reason == store_refusals[i].reason)
            return vault_refuse(act, err, store_refusals[i].code, NULL, store_refusals[i].what,
                                fault->text, store_refusals[i].remedy);
    return vault_refuse(act, err, "store", NULL, "the store refused", fault->text,
                        "this should not happen: report it");
}

kf_err vault_rows(vault_act *act, const store_sql *sql, const store_value *in, size_t count,
                  store_row *row, void *ctx)
{
    kf_err err = store_run(act->db, sql, in, count, row, ctx);
    return err == KF_OK ? KF_OK : store_refusal(act, err);
}

kf_err vault_sql(vault_act *act, const store_sql *sql, const store_value *in, size_t count)
{
    return vault_rows(act, sql, in, count, NULL, NULL);
}

typedef struct one_int {
    int64_t value;
    bool found;
} one_int;

static kf_err take_int(void *ctx, const store_value *columns, size_t count)
{
    one_int *one = ctx;
    if (count > 0 && !one->found && columns[0].type == STORE_INT)
        *one = (one_int){ columns[0].number, true };
    return KF_OK;
}

kf_err vault_int(vault_act *act, const store_sql *sql, const store_value *in, size_t count,
                 int64_t *out, bool *found)
{
    one_int one = { 0, false };
    kf_err err = vault_rows(act, sql, in, count, take_int, &one);
    *out = one.value;
    if (found != NULL)
        *found = err == KF_OK && one.found;
    return err;
}

kf_err vault_take_ids(vault_act *act, size_t n, int64_t *out)
{
    static const store_sql take = {
        "UPDATE counter SET value = value + $1 WHERE name = 'id' RETURNING value"
    };
    int64_t after = 0;
    kf_err err = vault_int(act, &take, VAULT_IN(store_int((int64_t)n)), &after, NULL);
    *out = after - (int64_t)n;
    return err;
}

/* ---- secrets at rest ---- */

/* "keyferry-row", the vault, the place, the row: what a wrapped secret is bound to. */
static kf_slice binding(const vault *v, const char *place, int64_t row, uint8_t *buf, size_t size)
{
    kf_writer w = kf_writer_init(buf, size);
    kf_write_octets(&w, (const uint8_t *)"keyferry-row", 12);
    kf_write_octets(&w, v->id, sizeof v->id);
    kf_write_u8(&w, (uint8_t)strlen(place));
    kf_write_octets(&w, (const uint8_t *)place, strlen(place));
    kf_write_u64(&w, (uint64_t)row);
    return kf_writer_slice(&w);
}

kf_err vault_wrap(const vault *v, const char *place, int64_t row, kf_slice secret, kf_writer *out)
{
    uint8_t ad[12 + SEAL_ID_OCTETS + 1 + PLACE_MAX + 8], nonce[NONCE_OCTETS];
    const size_t start = out->len;
    if (v->key == NULL)
        return KF_E_STATE;
    kf_err err = kf_rng_fill(v->config.rng, nonce, sizeof nonce);
    if (err != KF_OK)
        return err;
    kf_write_u8(out, WRAP_VERSION);
    kf_write_octets(out, nonce, sizeof nonce);
    err = out->err;
    if (err == KF_OK)
        err =
            kf_aead_seal(&KF_AES_256_GCM, kf_secret_view(v->key), (kf_slice){ nonce, sizeof nonce },
                         binding(v, place, row, ad, sizeof ad), secret, out);
    if (err != KF_OK)
        out->len = start;
    return err;
}

kf_err vault_unwrap(const vault *v, const char *place, int64_t row, kf_slice wrapped,
                    kf_secret **out)
{
    uint8_t ad[12 + SEAL_ID_OCTETS + 1 + PLACE_MAX + 8];
    *out = NULL;
    if (v->key == NULL)
        return KF_E_STATE;
    if (wrapped.len < 1 + NONCE_OCTETS || wrapped.ptr[0] != WRAP_VERSION)
        return KF_E_AUTH;
    const kf_slice nonce = { wrapped.ptr + 1, NONCE_OCTETS };
    const kf_slice sealed = { wrapped.ptr + 1 + NONCE_OCTETS, wrapped.len - 1 - NONCE_OCTETS };
    kf_err err = kf_aead_open(&KF_AES_256_GCM, kf_secret_view(v->key), nonce,
                              binding(v, place, row, ad, sizeof ad), sealed, out);
    return err == KF_E_TRUNCATED || err == KF_E_MALFORMED ? KF_E_AUTH : err;
}
