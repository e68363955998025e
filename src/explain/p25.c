/* P25 messages: KMMs and what they travel in, three-wire frames, voice over RTP. */
#include "explain/run.h"
#include "keyfill/threewire.h"
#include "mcdata/interworking.h"
#include "mcdata/protected_payload.h"
#include "p25/dli.h"
#include "p25/mi.h"
#include "voice/issi.h"

/* --- KMM -------------------------------------------------------------------------------------- */

/* The instruction of a message that carries keys; NULL for others. */
static const p25_decryption *instruction_of(const p25_kmm *kmm)
{
    if (kmm->is_opaque)
        return NULL;
    switch (kmm->frame.message_id) {
    case P25_KMM_REKEY_CMD:
        return &kmm->body.rekey.decryption;
    case P25_KMM_MODIFY_KEY_CMD:
        return &kmm->body.modify_key.decryption;
    case P25_KMM_WARM_START_CMD:
        return &kmm->body.warm_start.decryption;
    case P25_KMM_LOAD_AUTH_KEY_CMD:
        return &kmm->body.load_auth_key.decryption;
    default:
        return NULL;
    }
}

static void kmm_notes(run *r, const p25_kmm *kmm)
{
    size_t count = 0;
    const p25_deviation_fact *facts = p25_deviation_facts(&count);
    for (size_t i = 0; i < count; i++)
        if ((kmm->deviations & facts[i].bit) != 0)
            run_note(r, "deviation, accepted: %s (%s)", facts[i].what, facts[i].source);
    if (kmm->is_opaque)
        run_note(r, "the layout of this body is not known to us: a receiver answers status 03");
    const p25_decryption *d = instruction_of(kmm);
    if (d != NULL && d->algid == P25_ALGID_CLEAR)
        run_note(r, "keys are in clear and not shown: that is for key fill, never over the air");
    if (kmm->frame.message_id == P25_KMM_MODIFY_KEY_CMD)
        run_note(r, "read in the layout of %s; the other one has --as %s",
                 kmm->side == P25_SIDE_OTAR ? "OTAR" : "key fill",
                 kmm->side == P25_SIDE_OTAR ? "kmm-keyfill" : "kmm");
}

/* The octets tell nothing of the side: the fault may come from the wrong one. */
static void side_note(run *r, kf_slice octets, p25_side side)
{
    if (octets.len > 0 && octets.ptr[0] == P25_KMM_MODIFY_KEY_CMD && side == P25_SIDE_OTAR)
        run_note(r, "read in the layout of OTAR; from a key fill device: --as kmm-keyfill");
}

kf_err run_kmm(run *r, kf_slice octets, p25_side side, unsigned depth, size_t base, bool decrypted)
{
    p25_kmm kmm;
    run_layer(r, "Key management message (KMM)", "TIA-102.AACA", depth, base, decrypted, octets);
    kf_err err = p25_kmm_parse(octets, side, &r->trace, &kmm, r->fault);
    if (err == KF_OK)
        kmm_notes(r, &kmm);
    else
        side_note(r, octets, side);
    if (err == KF_OK && r->options->keys != NULL)
        err = run_open_kmm(r, &kmm);
    return err;
}

/* --- what a KMM travels in -------------------------------------------------------------------- */

/* What is behind the sync: a KMM, or what only its key opens. */
static kf_err behind_sync(run *r, const p25_outer_sync *sync, kf_slice kmm, unsigned depth,
                          size_t base)
{
    if (sync->algid == P25_ALGID_CLEAR)
        return run_kmm(r, kmm, P25_SIDE_OTAR, depth, base, false);
    const char *name = p25_algid_name(sync->algid);
    run_note(r, "the KMM is encrypted with %s, key ID %04X", name == NULL ? "?" : name, sync->kid);
    if (p25_mi_is_zero(sync->mi))
        run_note(r, "an MI of zeros is not valid with an algorithm: a receiver answers status 0C");
    else if (sync->mi[P25_MI_OCTETS - 1] != 0)
        run_note(r, "deviation, accepted: the last octet of the MI is not 00");
    if (r->options->keys == NULL || p25_mi_is_zero(sync->mi))
        return KF_OK;
    return run_open_outer(r, sync, kmm, depth);
}

kf_err run_dli(run *r, kf_slice octets, unsigned depth, size_t base)
{
    p25_dli dli;
    run_layer(r, "Data-link independent (DLI) datagram", "TIA-102.AACA-D", depth, base, false,
              octets);
    kf_err err = p25_dli_parse(octets, &r->trace, &dli, r->fault);
    if (err != KF_OK)
        return err;
    if (dli.mfid != P25_MFID_STANDARD)
        run_note(r, "the MFID is not the standard one: a receiver answers status 0A");
    return behind_sync(r, &dli.sync, dli.kmm, depth + 1, P25_DLI_OCTETS);
}

kf_err run_dld(run *r, kf_slice octets)
{
    p25_dld dld;
    run_layer(r, "Data-link dependent (DLD) encrypted data", "TIA-102.AACA", 0, 0, false, octets);
    kf_err err = p25_dld_parse(octets, &r->trace, &dld, r->fault);
    return err == KF_OK ? behind_sync(r, &dld.sync, dld.kmm, 1, P25_DLD_SYNC_OCTETS) : err;
}

kf_err run_interworking(run *r, kf_slice octets)
{
    mcdata_interworking m;
    run_layer(r, "Interworking Security Data", "TS 23.283 10.12, TS 29.379 14.2.1", 0, 0, false,
              octets);
    kf_reader reader = run_listen(r, octets);
    mcdata_interworking_decode(&reader, &m);
    kf_err err = kf_reader_end(&reader, "INTERSD");
    if (err != KF_OK)
        return err;
    run_note(r, "the octet layout is provisional: that of the standard was not readable");
    if (m.type == MCDATA_INTERWORKING_RESPONSE)
        return KF_OK;
    size_t base = octets.len - m.payload.len;
    if (m.lmr_type == MCDATA_LMR_P25)
        return (m.payload.ptr[0] & MCDATA_TYPE_PROTECTED) != 0
                   ? run_protected(r, m.payload, 1, base) /* a DLI datagram has version 0 there */
                   : run_dli(r, m.payload, 1, base);
    run_note(r, "the %s payload of %zu octets is opaque and carried untouched",
             mcdata_lmr_type_name(m.lmr_type), m.payload.len);
    return KF_OK;
}

kf_err run_three_wire(run *r, kf_slice octets)
{
    keyfill_wire wire;
    run_layer(r, "Three-wire key fill", "TIA-102.AACD-A", 0, 0, false, octets);
    kf_reader reader = run_listen(r, octets);
    keyfill_wire_decode(&reader, &wire);
    kf_err err = kf_reader_end(&reader, "threewire");
    if (err != KF_OK || wire.opcode != KEYFILL_WIRE_KMM)
        return err;
    return run_kmm(r, wire.kmm, P25_SIDE_KEYFILL, 1, (size_t)(wire.kmm.ptr - octets.ptr), false);
}

/* --- voice ------------------------------------------------------------------------------------ */

static void sync_note(run *r, const voice_es *es)
{
    const char *name = p25_algid_name(es->algid);
    if (voice_es_check(es) != KF_OK)
        run_note(r, "the encryption sync is not valid: nothing follows from it");
    else if (voice_es_is_clear(es))
        run_note(r, "the encryption sync says: clear speech");
    else
        run_note(r, "encrypted speech: %s, key ID %04X", name == NULL ? "?" : name, es->kid);
}

kf_err run_issi(run *r, kf_slice octets)
{
    static const struct {
        unsigned quirk;
        const char *what;
    } quirks[] = {
        { VOICE_ISSI_QUIRK_E_BIT, "E of a block header is 0" },
        { VOICE_ISSI_QUIRK_ORDER, "blocks come in another order than usual" },
        { VOICE_ISSI_QUIRK_SKIPPED, "a block of a manufacturer or console is skipped" },
    };
    voice_issi p;
    run_layer(r, "ISSI RTP packet", "TIA-102.BACA-B, RFC 3550", 0, 0, false, octets);
    kf_err err = voice_issi_parse(octets, &r->trace, &p, r->fault);
    if (err != KF_OK)
        return err;
    for (size_t i = 0; i < KF_COUNT(quirks); i++)
        if ((p.quirks & quirks[i].quirk) != 0)
            run_note(r, "deviation, accepted: %s", quirks[i].what);
    if (p.has_header)
        sync_note(r, &p.header.es);
    if (p.has_header && voice_es_check(&p.header.es) == KF_OK && !voice_es_is_clear(&p.header.es))
        run_say_voice_key(r, p.header.es.algid, p.header.es.kid);
    return KF_OK;
}
