/* Appending to the chain of events, and checkpoints. */
#include "vault/audit.h"

#include <string.h>

#include "base/writer.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "vault/parts.h"

kf_err vault_event_first(const uint8_t id[SEAL_ID_OCTETS], uint8_t hash[32])
{
    static const char label[] = "keyferry-events";
    const kf_slice parts[] = { { (const uint8_t *)label, sizeof label - 1 },
                               { id, SEAL_ID_OCTETS } };
    return kf_hash_parts(&KF_SHA256, parts, 2, hash);
}

kf_err vault_event_hash(const vault_event *event, uint8_t hash[32])
{
    static const char label[] = "keyferry-event";
    uint8_t fixed[17], lengths[VAULT_EVENT_TEXTS][2];
    kf_slice parts[3 + 2 * VAULT_EVENT_TEXTS] = { { (const uint8_t *)label, sizeof label - 1 },
                                                  { hash, 32 },
                                                  { fixed, sizeof fixed } };
    kf_writer w = kf_writer_init(fixed, sizeof fixed);
    kf_write_u64(&w, (uint64_t)event->seq);
    kf_write_u64(&w, (uint64_t)event->at);
    kf_write_u8(&w, event->role);
    for (size_t i = 0; i < VAULT_EVENT_TEXTS; i++) {
        const size_t len = event->texts[i].len;
        if (len > UINT16_MAX)
            return KF_E_MALFORMED;
        lengths[i][0] = (uint8_t)(len >> 8);
        lengths[i][1] = (uint8_t)len;
        parts[3 + 2 * i] = (kf_slice){ lengths[i], 2 };
        parts[4 + 2 * i] = event->texts[i];
    }
    return kf_hash_parts(&KF_SHA256, parts, KF_COUNT(parts), hash);
}

void vault_checkpoint_octets(const uint8_t id[SEAL_ID_OCTETS], int64_t seq, kf_time at,
                             const uint8_t hash[32], uint8_t out[VAULT_CHECKPOINT_OCTETS])
{
    kf_writer w = kf_writer_init(out, VAULT_CHECKPOINT_OCTETS);
    kf_write_octets(&w, (const uint8_t *)"keyferry-checkpoint", 19);
    kf_write_octets(&w, id, SEAL_ID_OCTETS);
    kf_write_u64(&w, (uint64_t)seq);
    kf_write_u64(&w, (uint64_t)at);
    kf_write_octets(&w, hash, 32);
}

/* ---- the head: the last event ---- */

typedef struct head {
    int64_t seq;
    uint8_t hash[32];
    bool is_bad;
} head;

static kf_err take_head(void *ctx, const store_value *columns, size_t count)
{
    head *h = ctx;
    h->is_bad = count != 2 || columns[0].type != STORE_INT || columns[1].type != STORE_BLOB ||
                columns[1].octets.len != sizeof h->hash;
    if (h->is_bad)
        return KF_E_MALFORMED;
    h->seq = columns[0].number;
    memcpy(h->hash, columns[1].octets.ptr, sizeof h->hash);
    return KF_OK;
}

static kf_err read_head(const vault *v, store *db, head *h)
{
    static const store_sql last = { "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1" };
    *h = (head){ 0 };
    kf_err err = vault_event_first(v->id, h->hash);
    return err == KF_OK ? store_run(db, &last, NULL, 0, take_head, h) : err;
}

kf_err vault_audit(vault *v, store *db, kf_time now, const vault_caller *who, const char *verb,
                   const char *subject, const char *outcome, const char *detail)
{
    static const store_sql insert = {
        "INSERT INTO event (seq, at, role, actor, verb, subject, outcome, detail, hash)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    };
    const char *texts[VAULT_EVENT_TEXTS] = { who->name, verb, subject, outcome, detail };
    vault_event event = { .at = now, .role = (uint8_t)who->role };
    head h;
    kf_err err = read_head(v, db, &h);
    event.seq = h.seq + 1;
    for (size_t i = 0; i < VAULT_EVENT_TEXTS; i++)
        event.texts[i] = (kf_slice){ (const uint8_t *)texts[i], strlen(texts[i]) };
    if (err == KF_OK)
        err = vault_event_hash(&event, h.hash);
    const store_value in[] = { store_int(event.seq),
                               store_int(now),
                               store_int(event.role),
                               store_text(event.texts[0]),
                               store_text(event.texts[1]),
                               store_text(event.texts[2]),
                               store_text(event.texts[3]),
                               store_text(event.texts[4]),
                               store_blob((kf_slice){ h.hash, 32 }) };
    if (err == KF_OK)
        err = store_run(db, &insert, in, KF_COUNT(in), NULL, NULL);
    v->head_seq = event.seq;
    memcpy(v->head_hash, h.hash, sizeof h.hash);
    return err;
}

kf_err vault_checkpoint(vault *v, store *db, kf_time now)
{
    static const store_sql insert = {
        "INSERT INTO checkpoint (seq, at, hash, signature) VALUES ($1, $2, $3, $4)"
    };
    uint8_t octets[VAULT_CHECKPOINT_OCTETS], signature[KF_ED25519_SIGNATURE_OCTETS];
    head h;
    /* It is an event too, so that the chain tells which checkpoints there must be. */
    kf_err err = vault_audit(v, db, now, &vault_itself, VAULT_CHECKPOINT_VERB, "", "done", "");
    if (err == KF_OK)
        err = read_head(v, db, &h);
    if (err != KF_OK)
        return err;
    vault_checkpoint_octets(v->id, h.seq, now, h.hash, octets);
    err = kf_ed25519_sign(v->audit_key, (kf_slice){ octets, sizeof octets }, signature);
    const store_value in[] = { store_int(h.seq), store_int(now),
                               store_blob((kf_slice){ h.hash, 32 }),
                               store_blob((kf_slice){ signature, sizeof signature }) };
    return err == KF_OK ? store_run(db, &insert, in, KF_COUNT(in), NULL, NULL) : err;
}
