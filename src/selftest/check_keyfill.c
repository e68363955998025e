/* Three-wire key fill, and key files of others. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "keyfill/ekc.h"
#include "keyfill/threewire.h"
#include "selftest/check.h"

/* --- p25-keyfill-crc.txt ---------------------------------------------------------------------- */

#define CONTROL_AND_RSI 4u /* octets that the CRC covers before the KMM */

/* The frame around what is checked has that CRC at its end, and is taken. */
static void frame(check *k, kf_slice octets, const uint8_t crc[2])
{
    uint8_t made[KEYFILL_WIRE_KMM_MAX + KEYFILL_WIRE_OVERHEAD];
    kf_fault fault;
    keyfill_wire back;
    const keyfill_wire wire = {
        .opcode = KEYFILL_WIRE_KMM,
        .control = octets.ptr[0],
        .rsi = (uint32_t)octets.ptr[1] << 16 | (uint32_t)octets.ptr[2] << 8 | octets.ptr[3],
        .kmm = kf_slice_part(octets, CONTROL_AND_RSI, octets.len),
    };
    kf_writer w = kf_writer_init(made, sizeof made);
    check_done(k, keyfill_wire_build(&wire, &w), "data");
    kf_slice whole = kf_writer_slice(&w);
    if (check_ok(k) && memcmp(whole.ptr + whole.len - 2, crc, 2) != 0)
        check_fail(k, "crc");
    check_done(k, keyfill_wire_parse(whole, &back, &fault), "data");
    if (back.rsi != wire.rsi || !kf_slice_equal(back.kmm, wire.kmm))
        check_fail(k, "data");
}

void check_keyfill_crc(check *k)
{
    kf_slice octets = check_need(k, "data");
    uint16_t crc = keyfill_wire_crc(octets);
    const uint8_t sent[2] = { (uint8_t)crc, (uint8_t)(crc >> 8) };
    check_same(k, "crc", KF_SLICE_OF(sent));
    if (check_ok(k) && octets.len > CONTROL_AND_RSI &&
        octets.len <= KEYFILL_WIRE_KMM_MAX + CONTROL_AND_RSI)
        frame(k, octets, sent);
}

/* --- p25-ekc.txt ------------------------------------------------------------------------------ */

#define DERIVED_KEY 32u

/* What the key of the file is made of. Computed here too: the reader keeps it to itself. */
static void derivation(check *k, kf_slice file, kf_slice password)
{
    uint8_t key[DERIVED_KEY];
    keyfill_ekc_outer outer;
    kf_fault fault;
    check_done(k, keyfill_ekc_read_outer(file, &outer, &fault), "file");
    if (!check_ok(k))
        return;
    check_same(k, "salt", (kf_slice){ outer.salt, outer.salt_octets });
    if (PKCS5_PBKDF2_HMAC((const char *)password.ptr, (int)password.len, outer.salt,
                          (int)outer.salt_octets, (int)outer.iterations, EVP_sha512(), sizeof key,
                          key) != 1)
        check_fail(k, "derived_key");
    check_same(k, "derived_key", KF_SLICE_OF(key));
    kf_wipe(key, sizeof key);
}

static void entry_field(check *k, size_t number, const keyfill_entry *e)
{
    static const char *const kinds[] = {
        [KEYFILL_KIND_AUTO] = "auto", [KEYFILL_KIND_TEK] = "tek", [KEYFILL_KIND_KEK] = "kek"
    };
    char name[32], material[2 * KEYFILL_MATERIAL_MAX + 1];
    kf_writer w = kf_writer_init((uint8_t *)material, sizeof material - 1);
    kf_hex_write(&w, kf_secret_view(e->material));
    material[w.len] = '\0';
    snprintf(name, sizeof name, "key%zu", number);
    check_says(k, name,
               "name=\"%.*s\" active=%s keyset=%u sln=%u type=%s kid=%04X alg=%02X material=%s",
               (int)e->name.len, (const char *)e->name.octets, e->is_active ? "true" : "false",
               (unsigned)e->keyset, (unsigned)e->sln, kinds[e->kind], (unsigned)e->kid,
               (unsigned)e->algid, material);
    kf_wipe(material, sizeof material);
}

static void group_field(check *k, size_t number, const keyfill_group *g)
{
    char name[32], members[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < g->member_count && len + 12 < sizeof members; i++)
        len += (size_t)snprintf(members + len, sizeof members - len, "%s%u", i == 0 ? "" : ",",
                                (unsigned)g->members[i]);
    snprintf(name, sizeof name, "group%zu", number);
    check_says(k, name, "name=\"%.*s\" keys=%s", (int)g->name.len, (const char *)g->name.octets,
               members);
}

void check_ekc(check *k)
{
    keyfill_file file = { .entry_count = 0 };
    keyfill_findings findings = { .count = 0 };
    kf_fault fault;
    kf_slice octets = check_need(k, "file"), password = check_text(k, "password");
    if (password.ptr == NULL)
        check_fail(k, "password");
    if (check_ok(k) && check_outcome(k,
                                     keyfill_ekc_read(octets, password, KEYFILL_EKC_ITERATIONS_MAX,
                                                      &file, &findings, &fault),
                                     "file")) {
        check_says(k, "keys", "%zu", file.entry_count);
        for (size_t i = 0; i < file.entry_count; i++)
            entry_field(k, i + 1, &file.entries[i]);
        for (size_t i = 0; i < file.group_count; i++)
            group_field(k, i + 1, &file.groups[i]);
        if (vectors_has(k->c, "salt") || vectors_has(k->c, "derived_key"))
            derivation(k, octets, password);
    }
    keyfill_findings_clear(&findings);
    keyfill_file_clear(&file);
}
