#include "keyfill/check.h"

#include <stdlib.h>
#include <string.h>

#include "keyfill/weak.h"
#include "p25/ids.h"

#define KEK_GROUP          15u
#define RSI_INDIVIDUAL_MAX 9999999u
#define RSI_MAX            0xffffffu

typedef struct fact {
    keyfill_severity severity;
    const char *code, *text;
} fact;

static const fact facts[] = {
    [KEYFILL_KEYSET_RANGE] = { KEYFILL_REFUSE, "keyset-range",
                               "The keyset number must be 1 to 255." },
    [KEYFILL_SLN_RANGE] = { KEYFILL_REFUSE, "sln-range", "The SLN (CKR) must be 0 to 65535." },
    [KEYFILL_SLN_ZERO] = { KEYFILL_WARN, "sln-zero",
                           "SLN (CKR) 0 is refused by some radios and key loaders." },
    /* spec: project facts 1.7.7 - no radio has such a place, so there is nothing to load it into */
    [KEYFILL_SLN_KEYSET_GROUP] = { KEYFILL_REFUSE, "sln-keyset-group",
                                   "The SLN and the keyset belong to different crypto groups: no "
                                   "radio can store this key. Keysets 1 to 16 go with SLN 0 to "
                                   "4095, keysets 241 to 255 with SLN 61440 to 65535." },
    [KEYFILL_KIND_SLN_GROUP] = { KEYFILL_WARN, "kind-sln-group",
                                 "Keys that carry keys (KEK) live at SLN 61440 to 65535 and "
                                 "traffic "
                                 "keys (TEK) below; this one is on the wrong side." },
    [KEYFILL_KID_RANGE] = { KEYFILL_REFUSE, "kid-range", "The key ID must be 0000 to FFFF." },
    [KEYFILL_KID_ZERO] = { KEYFILL_WARN, "kid-zero",
                           "Key ID 0000 means clear; a radio may treat the call as unencrypted." },
    [KEYFILL_ALGID_RANGE] = { KEYFILL_REFUSE, "algid-range", "The algorithm ID must be 00 to FF." },
    [KEYFILL_ALGID_CLEAR] = { KEYFILL_REFUSE, "algid-clear",
                              "Algorithm 80 means no encryption: there is no key for it." },
    [KEYFILL_ALGID_UNKNOWN] = { KEYFILL_WARN, "algid-unknown",
                                "We do not know this algorithm, so the key was not examined." },
    /* the strength policy of p25/wrap.h, P25_WEAK_RECEIVE_ONLY */
    [KEYFILL_ALGID_WEAK] = { KEYFILL_WARN, "algid-weak",
                             "DES and ADP keys have 56 bits or less and can be found by trying: "
                             "they are taken, and not sent over the air unless a policy allows "
                             "it. Move to AES-256." },
    [KEYFILL_RSI_RANGE] = { KEYFILL_REFUSE, "rsi-range", "The RSI must be 0 to 16777215." },
    [KEYFILL_RSI_NOT_INDIVIDUAL] = { KEYFILL_WARN, "rsi-not-individual",
                                     "The RSI is not that of a single radio (1 to 9999999)." },
    [KEYFILL_RSI_NOT_KEK] = { KEYFILL_WARN, "rsi-not-kek",
                              "An RSI says whose KEK this is, but this is a traffic key." },
    [KEYFILL_KEY_LENGTH] = { KEYFILL_REFUSE, "key-length",
                             "The key has the wrong length for its algorithm: AES-256 has 64 "
                             "digits, AES-128 32, TDEA 48, DES 16, ADP 10." },
    [KEYFILL_DES_PARITY] = { KEYFILL_REFUSE, "des-parity",
                             "A digit of the DES key is wrong: its parity is not odd." },
    [KEYFILL_DES_WEAK] = { KEYFILL_REFUSE, "des-weak",
                           "This is one of the four weak DES keys, which hide nothing." },
    [KEYFILL_DES_SEMI_WEAK] = { KEYFILL_REFUSE, "des-semi-weak",
                                "This is one of the twelve semi-weak DES keys." },
    [KEYFILL_DES_POSSIBLY_WEAK] = { KEYFILL_WARN, "des-possibly-weak",
                                    "This is one of the 48 possibly weak DES keys; make another." },
    [KEYFILL_TDEA_PARITY] = { KEYFILL_WARN, "tdea-parity",
                              "The parity of the TDEA key is not odd; some radios refuse it." },
    [KEYFILL_TDEA_WEAK_PART] = { KEYFILL_WARN, "tdea-weak-part",
                                 "A third of the TDEA key is a weak or semi-weak DES key." },
    [KEYFILL_TDEA_EQUAL_PARTS] = { KEYFILL_WARN, "tdea-equal-parts",
                                   "Neighbouring thirds of the TDEA key are equal, so it is no "
                                   "stronger than DES." },
    [KEYFILL_KEY_PATTERN] = { KEYFILL_WARN, "key-pattern",
                              "The key is a pattern that somebody typed, not a random key." },
    [KEYFILL_KID_CLASH] = { KEYFILL_WARN, "kid-clash",
                            "Two different keys have the same algorithm and key ID: receivers "
                            "cannot tell them apart, and some calls will stay garbled." },
    [KEYFILL_PLACE_CLASH] = { KEYFILL_WARN, "place-clash",
                              "Two keys want the same keyset and SLN: the later one replaces the "
                              "earlier one in a radio." },
    [KEYFILL_NO_INTEGRITY] = { KEYFILL_WARN, "no-integrity",
                               "This format does not protect its content against alteration: "
                               "compare the keys with another source before you trust them." },
    [KEYFILL_CLEAR_KEYS] = { KEYFILL_WARN, "clear-keys",
                             "THE KEYS IN THIS FILE ARE READABLE BY ANYBODY WHO HAS IT. Import it "
                             "once, destroy every copy, and replace the keys if one was out of "
                             "your hands." },
    [KEYFILL_ENTRY_INCOMPLETE] = { KEYFILL_WARN, "entry-incomplete",
                                   "A key was left out because a field of it is not filled in." },
    [KEYFILL_MEMBER_MISSING] = { KEYFILL_WARN, "member-missing",
                                 "A group names a key that the file does not have, or that was "
                                 "left out." },
    [KEYFILL_RSI_LOST] = { KEYFILL_WARN, "rsi-lost",
                           "This format has no place for the RSI: note elsewhere whose KEK it "
                           "is." },
};
_Static_assert(KF_COUNT(facts) == KEYFILL_PROBLEM_COUNT, "a problem without a sentence");

keyfill_severity keyfill_problem_severity(keyfill_problem problem)
{
    return facts[problem].severity;
}

const char *keyfill_problem_code(keyfill_problem problem)
{
    return facts[problem].code;
}

const char *keyfill_problem_text(keyfill_problem problem)
{
    return facts[problem].text;
}

/* ---- findings ---- */

void keyfill_findings_clear(keyfill_findings *findings)
{
    free(findings->items);
    memset(findings, 0, sizeof *findings);
}

kf_err keyfill_findings_add(keyfill_findings *findings, keyfill_finding finding)
{
    if (findings->count >= KEYFILL_FINDINGS_MAX) {
        findings->is_cut = true;
        return KF_OK;
    }
    if (findings->count == findings->cap) {
        size_t cap = findings->cap == 0 ? 16 : findings->cap * 2;
        keyfill_finding *items = realloc(findings->items, cap * sizeof *items);
        if (items == NULL)
            return KF_E_NO_MEMORY;
        findings->items = items;
        findings->cap = cap;
    }
    findings->items[findings->count++] = finding;
    return KF_OK;
}

bool keyfill_findings_refuse(const keyfill_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (keyfill_problem_severity(findings->items[i].problem) == KEYFILL_REFUSE)
            return true;
    return false;
}

size_t keyfill_findings_count(const keyfill_findings *findings, keyfill_problem problem)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].problem == problem;
    return count;
}

/* ---- one entry ---- */

static bool keyset_is_out(const keyfill_entry *e)
{
    return !e->is_active && (e->keyset == 0 || e->keyset > UINT8_MAX);
}

static bool sln_is_out(const keyfill_entry *e)
{
    return e->sln > UINT16_MAX;
}

static bool sln_is_zero(const keyfill_entry *e)
{
    return e->sln == 0;
}

static bool groups_differ(const keyfill_entry *e)
{
    return !e->is_active && !keyset_is_out(e) && !sln_is_out(e) &&
           p25_sln_crypto_group((uint16_t)e->sln) != p25_keyset_crypto_group((uint8_t)e->keyset);
}

static bool kind_is_elsewhere(const keyfill_entry *e)
{
    return !sln_is_out(e) &&
           keyfill_entry_is_kek(e) != (p25_sln_crypto_group((uint16_t)e->sln) == KEK_GROUP);
}

static bool kid_is_out(const keyfill_entry *e)
{
    return e->kid > UINT16_MAX;
}

static bool kid_is_zero(const keyfill_entry *e)
{
    return e->kid == 0;
}

static bool algid_is_out(const keyfill_entry *e)
{
    return e->algid > UINT8_MAX;
}

static bool algid_is_clear(const keyfill_entry *e)
{
    return e->algid == P25_ALGID_CLEAR;
}

static bool algid_is_unknown(const keyfill_entry *e)
{
    return !algid_is_out(e) && p25_algid_name(e->algid) == NULL;
}

static bool algid_is_weak(const keyfill_entry *e)
{
    int strength = p25_algid_strength(e->algid);
    return strength >= 0 && strength <= p25_algid_strength(P25_ALGID_DES);
}

static bool rsi_is_out(const keyfill_entry *e)
{
    return e->has_rsi && e->rsi > RSI_MAX;
}

static bool rsi_is_no_unit(const keyfill_entry *e)
{
    return e->has_rsi && !rsi_is_out(e) && (e->rsi == 0 || e->rsi > RSI_INDIVIDUAL_MAX);
}

static bool rsi_is_idle(const keyfill_entry *e)
{
    return e->has_rsi && !keyfill_entry_is_kek(e);
}

static bool length_is_wrong(const keyfill_entry *e)
{
    size_t want = p25_algid_key_octets(e->algid);
    return want != 0 && kf_secret_len(e->material) != want;
}

/* Is it a key of that algorithm and of its length? */
static bool is_key_of(const keyfill_entry *e, unsigned algid)
{
    return e->algid == algid && kf_secret_len(e->material) == p25_algid_key_octets(algid);
}

static bool des_parity_is_wrong(const keyfill_entry *e)
{
    return is_key_of(e, P25_ALGID_DES) && !keyfill_parity_is_odd(kf_secret_view(e->material));
}

/* One of `want` of FIPS 74, whatever the parity bits are. */
static bool des_is(const keyfill_entry *e, keyfill_des_class want)
{
    return is_key_of(e, P25_ALGID_DES) &&
           keyfill_des_class_of(kf_secret_view(e->material).ptr) == want;
}

static bool des_is_weak(const keyfill_entry *e)
{
    return des_is(e, KEYFILL_DES_CLASS_WEAK);
}

static bool des_is_semi_weak(const keyfill_entry *e)
{
    return des_is(e, KEYFILL_DES_CLASS_SEMI_WEAK);
}

static bool des_is_possibly_weak(const keyfill_entry *e)
{
    return des_is(e, KEYFILL_DES_CLASS_POSSIBLY_WEAK);
}

static bool tdea_parity_is_wrong(const keyfill_entry *e)
{
    return is_key_of(e, P25_ALGID_TDEA) && !keyfill_parity_is_odd(kf_secret_view(e->material));
}

static bool tdea_has_weak_part(const keyfill_entry *e)
{
    if (!is_key_of(e, P25_ALGID_TDEA))
        return false;
    bool found = false;
    for (size_t at = 0; at < 3 * KEYFILL_DES_OCTETS; at += KEYFILL_DES_OCTETS) {
        keyfill_des_class is = keyfill_des_class_of(kf_secret_view(e->material).ptr + at);
        found |= is == KEYFILL_DES_CLASS_WEAK || is == KEYFILL_DES_CLASS_SEMI_WEAK;
    }
    return found;
}

static bool tdea_has_equal_parts(const keyfill_entry *e)
{
    if (!is_key_of(e, P25_ALGID_TDEA))
        return false;
    kf_slice key = kf_secret_view(e->material);
    kf_slice one = kf_slice_part(key, 0, KEYFILL_DES_OCTETS);
    kf_slice two = kf_slice_part(key, KEYFILL_DES_OCTETS, KEYFILL_DES_OCTETS);
    kf_slice three = kf_slice_part(key, 2 * KEYFILL_DES_OCTETS, KEYFILL_DES_OCTETS);
    bool low = kf_ct_equal(one, two), high = kf_ct_equal(two, three);
    return low || high;
}

static bool is_pattern(const keyfill_entry *e)
{
    return keyfill_key_is_pattern(kf_secret_view(e->material));
}

static const struct {
    keyfill_problem problem;
    bool (*is_so)(const keyfill_entry *e);
} checks[] = {
    { KEYFILL_KEYSET_RANGE, keyset_is_out },
    { KEYFILL_SLN_RANGE, sln_is_out },
    { KEYFILL_SLN_ZERO, sln_is_zero },
    { KEYFILL_SLN_KEYSET_GROUP, groups_differ },
    { KEYFILL_KIND_SLN_GROUP, kind_is_elsewhere },
    { KEYFILL_KID_RANGE, kid_is_out },
    { KEYFILL_KID_ZERO, kid_is_zero },
    { KEYFILL_ALGID_RANGE, algid_is_out },
    { KEYFILL_ALGID_CLEAR, algid_is_clear },
    { KEYFILL_ALGID_UNKNOWN, algid_is_unknown },
    { KEYFILL_ALGID_WEAK, algid_is_weak },
    { KEYFILL_RSI_RANGE, rsi_is_out },
    { KEYFILL_RSI_NOT_INDIVIDUAL, rsi_is_no_unit },
    { KEYFILL_RSI_NOT_KEK, rsi_is_idle },
    { KEYFILL_KEY_LENGTH, length_is_wrong },
    { KEYFILL_DES_PARITY, des_parity_is_wrong },
    { KEYFILL_DES_WEAK, des_is_weak },
    { KEYFILL_DES_SEMI_WEAK, des_is_semi_weak },
    { KEYFILL_DES_POSSIBLY_WEAK, des_is_possibly_weak },
    { KEYFILL_TDEA_PARITY, tdea_parity_is_wrong },
    { KEYFILL_TDEA_WEAK_PART, tdea_has_weak_part },
    { KEYFILL_TDEA_EQUAL_PARTS, tdea_has_equal_parts },
    { KEYFILL_KEY_PATTERN, is_pattern },
};

kf_err keyfill_check_entry(const keyfill_entry *entry, size_t at, keyfill_findings *findings)
{
    kf_err err = KF_OK;
    for (size_t i = 0; i < KF_COUNT(checks) && err == KF_OK; i++)
        if (checks[i].is_so(entry))
            err = keyfill_findings_add(
                findings,
                (keyfill_finding){ checks[i].problem, at, KEYFILL_NOWHERE, entry->id, NULL });
    return err;
}

/* ---- two entries ---- */

/* Keys of two different radios never meet, so they may share a key ID and a place. */
static bool never_meet(const keyfill_entry *a, const keyfill_entry *b)
{
    return a->has_rsi && b->has_rsi && a->rsi != b->rsi;
}

static bool kids_clash(const keyfill_entry *a, const keyfill_entry *b)
{
    return a->algid == b->algid && a->kid == b->kid && !kf_secret_equal(a->material, b->material);
}

static bool places_clash(const keyfill_entry *a, const keyfill_entry *b)
{
    return a->sln == b->sln && a->is_active == b->is_active &&
           (a->is_active || a->keyset == b->keyset);
}

static kf_err check_pair(const keyfill_file *file, size_t at, size_t other,
                         keyfill_findings *findings)
{
    const keyfill_entry *a = &file->entries[at], *b = &file->entries[other];
    keyfill_finding finding = { KEYFILL_KID_CLASH, at, other, a->id, NULL };
    kf_err err = KF_OK;
    if (never_meet(a, b))
        return KF_OK;
    if (kids_clash(a, b))
        err = keyfill_findings_add(findings, finding);
    finding.problem = KEYFILL_PLACE_CLASH;
    if (err == KF_OK && places_clash(a, b))
        err = keyfill_findings_add(findings, finding);
    return err;
}

kf_err keyfill_check(const keyfill_file *file, keyfill_findings *findings)
{
    kf_err err = KF_OK;
    for (size_t i = 0; i < file->entry_count && err == KF_OK; i++)
        err = keyfill_check_entry(&file->entries[i], i, findings);
    for (size_t i = 0; i < file->entry_count; i++)
        for (size_t k = i + 1; k < file->entry_count && err == KF_OK; k++)
            err = check_pair(file, i, k, findings);
    return err;
}
