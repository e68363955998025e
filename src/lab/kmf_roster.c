/* The units that a KMF node serves: what is stored of them, and how the configuration is applied.
 */
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "base/writer.h"
#include "lab/events.h"
#include "lab/files.h"
#include "lab/kmf_node_parts.h"

#define RECORD_VERSION 1u
#define HEAD_OCTETS    (1u + 1u + OTAR_GROUPS_MAX * 2u + 4u)
#define PEER_OCTETS    (3u * 3u + 1u + KF_SHA256_OCTETS + 8u + 6u)
#define PEERS_MAX      (2u * LAB_UNITS_MAX) /* with those that left the configuration */

kmf_peer *kmf_peer_of(lab_kmf_node *kn, uint32_t rsi)
{
    kmf_peer *to_be = NULL;
    for (size_t i = 0; rsi != 0 && i < kn->peer_count; i++) {
        if (kn->peers[i].rsi == rsi)
            return &kn->peers[i];
        if (kn->peers[i].new_rsi == rsi)
            to_be = &kn->peers[i];
    }
    return to_be;
}

static kmf_peer *add_peer(lab_kmf_node *kn)
{
    kmf_peer *peers = kn->peer_count >= PEERS_MAX
                          ? NULL
                          : realloc(kn->peers, (kn->peer_count + 1) * sizeof *peers);
    if (peers == NULL)
        return NULL;
    kn->peers = peers;
    peers[kn->peer_count] = (kmf_peer){ .rsi = 0 };
    return &peers[kn->peer_count++];
}

/* ---- the record ---- */

static void write_peer(kf_writer *w, const kmf_peer *p)
{
    kf_write_u24(w, p->config_rsi);
    kf_write_u24(w, p->rsi);
    kf_write_u24(w, p->new_rsi);
    kf_write_u8(w, p->has_ukek ? 1 : 0);
    kf_write_octets(w, p->ukek, sizeof p->ukek);
    kf_write_u64(w, p->members);
    kf_write_u32(w, ntohl(p->proven.sin_addr.s_addr));
    kf_write_u16(w, ntohs(p->proven.sin_port));
}

kf_err kmf_roster_save(lab_kmf_node *kn)
{
    const size_t size = HEAD_OCTETS + kn->peer_count * PEER_OCTETS;
    uint8_t *buf = malloc(size);
    if (buf == NULL)
        return KF_E_NO_MEMORY;
    kf_writer w = kf_writer_init(buf, size);
    kf_write_u8(&w, RECORD_VERSION);
    kf_write_u8(&w, (uint8_t)kn->group_count);
    for (size_t i = 0; i < kn->group_count; i++)
        kf_write_u16(&w, kn->groups[i]);
    kf_write_u32(&w, (uint32_t)kn->peer_count);
    for (size_t i = 0; i < kn->peer_count; i++)
        write_peer(&w, &kn->peers[i]);
    kf_err err = w.err;
    if (err == KF_OK)
        err = lab_state_save(kn->state, KMF_NODE_SLOT, kf_writer_slice(&w));
    free(buf);
    kn->is_dirty = kn->is_dirty && err != KF_OK;
    return err;
}

static void read_peer(kf_reader *r, kmf_peer *p)
{
    p->config_rsi = kf_read_u24(r, "peer.config_rsi");
    p->rsi = kf_read_u24(r, "peer.rsi");
    p->new_rsi = kf_read_u24(r, "peer.new_rsi");
    p->has_ukek = kf_read_u8(r, "peer.has_ukek") != 0;
    kf_read_octets(r, p->ukek, sizeof p->ukek, "peer.ukek");
    p->members = kf_read_u64(r, "peer.members");
    p->proven.sin_family = AF_INET;
    p->proven.sin_addr.s_addr = htonl(kf_read_u32(r, "peer.address"));
    p->proven.sin_port = htons(kf_read_u16(r, "peer.port"));
}

static kf_err read_record(lab_kmf_node *kn, kf_slice record)
{
    kf_fault fault;
    kf_reader r = kf_reader_init(record, &fault);
    if (kf_read_u8(&r, "roster.version") != RECORD_VERSION)
        kf_reader_fail(&r, KF_E_UNSUPPORTED, "roster.version");
    kn->group_count = kf_read_u8(&r, "roster.groups");
    if (kn->group_count > OTAR_GROUPS_MAX) {
        kn->group_count = 0;
        kf_reader_fail(&r, KF_E_MALFORMED, "roster.groups");
    }
    for (size_t i = 0; i < kn->group_count; i++)
        kn->groups[i] = kf_read_u16(&r, "roster.sln");
    for (uint32_t left = kf_read_u32(&r, "roster.peers"); left > 0 && kf_reader_ok(&r); left--) {
        kmf_peer *p = add_peer(kn);
        if (p == NULL)
            return KF_E_NO_MEMORY;
        read_peer(&r, p);
    }
    return kf_reader_end(&r, "roster");
}

/* A Change-RSI may have been answered, or not, when the last run ended: the machine knows. */
static kf_err settle_rsi(lab_kmf_node *kn, kmf_peer *p)
{
    otar_unit_status status;
    if (otar_kmf_status(kn->kmf, p->rsi, &status) == KF_OK) {
        if (p->new_rsi != 0 && otar_kmf_status(kn->kmf, p->new_rsi, &status) != KF_OK)
            p->new_rsi = 0;
        return KF_OK;
    }
    if (p->new_rsi == 0 || otar_kmf_status(kn->kmf, p->new_rsi, &status) != KF_OK)
        return KF_E_STATE;
    p->rsi = p->new_rsi;
    p->new_rsi = 0;
    return KF_OK;
}

/* Records of the machine that are gone must not be taken for a new beginning. */
static kf_err check_whole(lab_kmf_node *kn)
{
    kf_err err = KF_OK;
    for (size_t i = 0; err == KF_OK && i < kn->group_count; i++)
        err = otar_kmf_key(kn->kmf, kn->groups[i], true) == NULL ? KF_E_STATE : KF_OK;
    for (size_t i = 0; err == KF_OK && i < kn->peer_count; i++)
        err = settle_rsi(kn, &kn->peers[i]);
    return err;
}

kf_err kmf_roster_load(lab_kmf_node *kn, lab_trouble *trouble)
{
    kf_secret *record = NULL;
    kf_err err = lab_state_load(kn->state, KMF_NODE_SLOT, &record);
    if (err == KF_E_DENIED)
        return KF_OK; /* a new state, or a crash before the first save: the rest is adopted */
    if (err == KF_OK)
        err = read_record(kn, kf_secret_view(record));
    kf_secret_free(&record);
    if (err == KF_OK)
        err = check_whole(kn);
    return err == KF_OK ? KF_OK
                        : lab_trouble_set(trouble, err, "state", "the state cannot be taken up",
                                          "records are missing, or belong to another run",
                                          "restore the whole directory from one backup");
}

/* ---- UKEKs ---- */

static bool is_ukek_of(const keyfill_entry *e, const kmf_peer *p)
{
    return e->has_rsi && keyfill_entry_is_kek(e) && (e->rsi == p->rsi || e->rsi == p->config_rsi);
}

static kf_err find_ukek(const keyfill_file *keys, const kmf_peer *p, const keyfill_entry **out,
                        lab_trouble *trouble)
{
    *out = NULL;
    for (size_t i = 0; i < keys->entry_count; i++) {
        const keyfill_entry *e = &keys->entries[i];
        if (!is_ukek_of(e, p))
            continue;
        const bool is_second = *out != NULL;
        if (!is_second && e->algid == P25_ALGID_AES256 && e->kid != 0) {
            *out = e;
            continue;
        }
        (void)lab_trouble_set(trouble, KF_E_MALFORMED, "key_file", "a UKEK cannot be used", "",
                              "correct the key file with `keyferry keys`");
        lab_trouble_why(trouble, "%s of unit %u",
                        is_second ? "there are two" : "not AES-256, or key ID 0: the UKEK", p->rsi);
        return KF_E_MALFORMED;
    }
    return KF_OK;
}

static kf_err digest_of(const keyfill_entry *e, uint8_t out[KF_SHA256_OCTETS])
{
    const uint8_t kid[2] = { (uint8_t)(e->kid >> 8), (uint8_t)e->kid };
    const kf_slice parts[2] = { KF_SLICE_OF(kid), kf_secret_view(e->material) };
    return kf_hash_parts(&KF_SHA256, parts, 2, out);
}

/* Give the machine the UKEK of a unit. is_new: the unit is added with it. */
static kf_err give_ukek(lab_kmf_node *kn, kmf_peer *p, const keyfill_entry *e, p25_level level,
                        bool is_new)
{
    kf_secret *ukek = NULL;
    kf_err err = KF_OK;
    if (e != NULL && (err = digest_of(e, p->ukek)) == KF_OK)
        err = kf_secret_dup(e->material, &ukek);
    if (err != KF_OK)
        return err;
    p->has_ukek = e != NULL;
    const uint16_t kid = e == NULL ? 0 : (uint16_t)e->kid;
    return is_new ? otar_kmf_add_unit(kn->kmf, p->rsi, level, kid, &ukek)
                  : otar_kmf_set_ukek(kn->kmf, p->rsi, kid, &ukek);
}

/* The UKEK of a lost unit is lost with it: only another one takes it back into service. */
static kf_err renew_ukek(lab_kmf_node *kn, kmf_peer *p, const keyfill_entry *e, kmf_key_news *news)
{
    uint8_t digest[KF_SHA256_OCTETS];
    if (e == NULL) {
        news->without++;
        return KF_OK;
    }
    kf_err err = digest_of(e, digest);
    if (err == KF_OK && p->has_ukek && kf_slice_equal(KF_SLICE_OF(digest), KF_SLICE_OF(p->ukek))) {
        news->unchanged++;
        return KF_OK;
    }
    news->taken++;
    return err == KF_OK ? give_ukek(kn, p, e, P25_LEVEL_BASIC, false) : err;
}

static kf_err failed(lab_trouble *trouble, kf_err err, const char *field, const char *why)
{
    return lab_trouble_set(trouble, err, field, "the configuration cannot be applied",
                           why == NULL ? kf_err_text(err) : why,
                           "correct it, or see that the state's disk is well");
}

static kf_err renew_all(lab_kmf_node *kn, const keyfill_file *keys, kmf_key_news *news,
                        lab_trouble *trouble)
{
    for (size_t i = 0; i < kn->peer_count; i++) {
        const keyfill_entry *e = NULL;
        kf_err err = find_ukek(keys, &kn->peers[i], &e, trouble);
        if (err != KF_OK)
            return err;
        err = renew_ukek(kn, &kn->peers[i], e, news);
        if (err != KF_OK)
            return failed(trouble, err, "key_file", "a UKEK cannot be stored");
    }
    const kf_err err = kmf_roster_save(kn);
    return err == KF_OK ? KF_OK : failed(trouble, err, "state", NULL);
}

kf_err kmf_roster_keys(lab_kmf_node *kn, kmf_key_news *news, lab_trouble *trouble)
{
    keyfill_file keys;
    *news = (kmf_key_news){ 0 };
    kf_err err = lab_files_keys(&kn->config->node, &keys, trouble);
    if (err == KF_OK)
        err = renew_all(kn, &keys, news, trouble);
    keyfill_file_clear(&keys);
    return err;
}

/* ---- the configuration ---- */

static size_t group_at(const lab_kmf_node *kn, uint16_t sln)
{
    size_t i = 0;
    while (i < kn->group_count && kn->groups[i] != sln)
        i++;
    return i;
}

static kf_err apply_groups(lab_kmf_node *kn, lab_trouble *trouble)
{
    for (size_t i = 0; i < kn->config->group_count; i++) {
        const uint16_t sln = kn->config->groups[i].sln;
        kf_err err = KF_OK;
        if (otar_kmf_key(kn->kmf, sln, true) == NULL)
            err = otar_kmf_add_group(kn->kmf, sln);
        if (err != KF_OK)
            return failed(trouble, err, "groups",
                          err == KF_E_NO_SPACE ? "there are too many groups" : NULL);
        if (group_at(kn, sln) == kn->group_count) {
            if (kn->group_count == OTAR_GROUPS_MAX)
                return failed(trouble, KF_E_NO_SPACE, "groups", "there are too many groups");
            kn->groups[kn->group_count++] = sln;
        }
    }
    return KF_OK;
}

/* By its present RSI first: another unit may have taken over an RSI that was changed. */
static kmf_peer *match(lab_kmf_node *kn, uint32_t rsi)
{
    kmf_peer *p = kmf_peer_of(kn, rsi);
    for (size_t i = 0; p == NULL && i < kn->peer_count; i++)
        if (kn->peers[i].config_rsi == rsi && !kn->peers[i].is_listed)
            p = &kn->peers[i];
    return p;
}

static kf_err add_unit(lab_kmf_node *kn, const lab_member_config *unit, const keyfill_file *keys,
                       kmf_peer **out, lab_trouble *trouble)
{
    otar_unit_status status;
    const keyfill_entry *e = NULL;
    kmf_peer *p = *out = add_peer(kn);
    if (p == NULL)
        return failed(trouble, KF_E_NO_MEMORY, "units", NULL);
    p->config_rsi = p->rsi = unit->rsi;
    kf_err err = find_ukek(keys, p, &e, trouble);
    if (err != KF_OK)
        return err;
    /* It may be there: the last run ended before the roster was written. */
    const bool is_new = otar_kmf_status(kn->kmf, unit->rsi, &status) != KF_OK;
    if (is_new || e != NULL)
        err = give_ukek(kn, p, e, unit->level, is_new);
    if (err == KF_E_DENIED)
        return failed(trouble, err, "units", "a unit has the RSI of the KMF");
    return err == KF_OK ? KF_OK : failed(trouble, err, "state", NULL);
}

static uint64_t wanted_members(const lab_kmf_node *kn, const lab_member_config *unit)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < kn->config->group_count; i++)
        if ((unit->groups >> i & 1u) != 0)
            mask |= UINT64_C(1) << group_at(kn, kn->config->groups[i].sln);
    return mask;
}

static kf_err set_members(lab_kmf_node *kn, kmf_peer *p, uint64_t wanted)
{
    kf_err err = KF_OK;
    for (size_t i = 0; err == KF_OK && i < kn->group_count; i++) {
        const uint64_t bit = UINT64_C(1) << i;
        if (((p->members ^ wanted) & bit) != 0)
            err = otar_kmf_set_member(kn->kmf, p->rsi, kn->groups[i], (wanted & bit) != 0);
        if (err == KF_OK)
            p->members = (p->members & ~bit) | (wanted & bit);
    }
    return err;
}

static kf_err apply_units(lab_kmf_node *kn, const keyfill_file *keys, lab_trouble *trouble)
{
    for (size_t i = 0; i < kn->config->unit_count; i++) {
        const lab_member_config *unit = &kn->config->units[i];
        kmf_peer *p = match(kn, unit->rsi);
        kf_err err = p == NULL ? add_unit(kn, unit, keys, &p, trouble) : KF_OK;
        if (err != KF_OK)
            return err;
        p->is_listed = true;
        if (unit->address.sin_port != 0)
            p->proven = unit->address;
        err = set_members(kn, p, wanted_members(kn, unit));
        if (err != KF_OK)
            return failed(trouble, err, "state", NULL);
    }
    return KF_OK;
}

static kf_err drop_units(lab_kmf_node *kn, lab_trouble *trouble)
{
    for (size_t i = 0; i < kn->peer_count; i++) {
        kmf_peer *p = &kn->peers[i];
        if (p->is_listed || p->members == 0)
            continue;
        const kf_err err = set_members(kn, p, 0);
        if (err != KF_OK)
            return failed(trouble, err, "state", NULL);
        lab_node_emit(kn->node, lab_event_say("left-out",
                                              "unit %u is not in the configuration any more: its "
                                              "keys of all groups are erased",
                                              p->rsi));
    }
    return KF_OK;
}

kf_err kmf_roster_apply(lab_kmf_node *kn, lab_trouble *trouble)
{
    keyfill_file keys;
    kmf_key_news news = { 0 };
    kf_err err = lab_files_keys(&kn->config->node, &keys, trouble);
    if (err == KF_OK)
        err = apply_groups(kn, trouble);
    if (err == KF_OK)
        err = apply_units(kn, &keys, trouble);
    if (err == KF_OK)
        err = drop_units(kn, trouble);
    if (err == KF_OK)
        err = renew_all(kn, &keys, &news, trouble);
    keyfill_file_clear(&keys);
    return err;
}
