#include "keyfill/box.h"

#include <string.h>

#include "crypto/container.h"

#define VERSION_1    1u
#define HEAD_OCTETS  5u
#define ENTRY_OCTETS 13u /* without RSI, name and key */
#define GROUP_OCTETS 7u  /* without name and members */
#define RSI_OCTETS   3u
#define ID_OCTETS    4u

#define FLAG_ACTIVE 0x01u
#define FLAG_TEK    0x02u
#define FLAG_KEK    0x04u
#define FLAG_RSI    0x08u
#define FLAGS_KNOWN (FLAG_ACTIVE | FLAG_TEK | FLAG_KEK | FLAG_RSI)

static size_t content_octets(const keyfill_file *file)
{
    size_t octets = HEAD_OCTETS + ID_OCTETS * file->member_count;
    for (size_t i = 0; i < file->entry_count; i++) {
        const keyfill_entry *e = &file->entries[i];
        octets += ENTRY_OCTETS + e->name.len + kf_secret_len(e->material);
        octets += e->has_rsi ? RSI_OCTETS : 0;
    }
    for (size_t i = 0; i < file->group_count; i++)
        octets += GROUP_OCTETS + file->groups[i].name.len;
    return octets;
}

size_t keyfill_box_octets(const keyfill_file *file)
{
    return content_octets(file) + KF_CONTAINER_OVERHEAD;
}

/* ---- out ---- */

static void write_name(kf_writer *w, const keyfill_name *name)
{
    kf_write_u8(w, name->len);
    kf_write_slice(w, keyfill_name_view(name));
}

static void write_entry(kf_writer *w, const keyfill_entry *e)
{
    unsigned flags = (e->is_active ? FLAG_ACTIVE : 0) | (e->has_rsi ? FLAG_RSI : 0);
    flags |= e->kind == KEYFILL_KIND_TEK ? FLAG_TEK : e->kind == KEYFILL_KIND_KEK ? FLAG_KEK : 0;
    if (!keyfill_entry_is_in_range(e))
        kf_writer_fail(w, KF_E_MALFORMED);
    kf_write_u32(w, e->id);
    kf_write_u8(w, (uint8_t)flags);
    kf_write_u8(w, (uint8_t)e->keyset);
    kf_write_u16(w, (uint16_t)e->sln);
    kf_write_u8(w, (uint8_t)e->algid);
    kf_write_u16(w, (uint16_t)e->kid);
    if (e->has_rsi)
        kf_write_u24(w, e->rsi);
    write_name(w, &e->name);
    kf_write_u8(w, (uint8_t)kf_secret_len(e->material));
    kf_write_slice(w, kf_secret_view(e->material));
}

static void write_group(kf_writer *w, const keyfill_group *g)
{
    kf_write_u32(w, g->id);
    write_name(w, &g->name);
    kf_write_u16(w, (uint16_t)g->member_count); /* at most KEYFILL_ENTRIES_MAX */
    for (size_t i = 0; i < g->member_count; i++)
        kf_write_u32(w, g->members[i]);
}

kf_err keyfill_box_seal(const keyfill_file *file, kf_slice passphrase, kf_scrypt_cost cost,
                        const kf_rng *rng, kf_writer *out)
{
    kf_secret *content = NULL;
    kf_err err = kf_secret_new_guarded(content_octets(file), &content);
    if (err != KF_OK)
        return err;
    kf_writer w = kf_writer_init(kf_secret_edit(content), kf_secret_len(content));
    kf_write_u8(&w, VERSION_1);
    kf_write_u16(&w, (uint16_t)file->entry_count);
    kf_write_u16(&w, (uint16_t)file->group_count);
    for (size_t i = 0; i < file->entry_count; i++)
        write_entry(&w, &file->entries[i]);
    for (size_t i = 0; i < file->group_count; i++)
        write_group(&w, &file->groups[i]);
    err = w.err;
    if (err == KF_OK)
        err = kf_container_seal(KF_CONTAINER_KEY_FILE, passphrase, cost, kf_writer_slice(&w), rng,
                                out);
    kf_secret_free(&content);
    return err;
}

/* ---- in ---- */

static void decode_name(kf_reader *r, keyfill_name *name, const char *field)
{
    size_t at = r->off;
    kf_slice text = kf_read_slice(r, kf_read_u8(r, "keyfile.name_length"), field);
    kf_err err = keyfill_name_set(name, text);
    if (err != KF_OK)
        kf_reader_fail_at(r, at, err, field);
}

static void decode_flags(kf_reader *r, keyfill_entry *e)
{
    uint8_t flags = kf_read_u8(r, "keyfile.flags");
    unsigned kind = flags & (FLAG_TEK | FLAG_KEK);
    if ((flags & ~FLAGS_KNOWN) != 0 || kind == (FLAG_TEK | FLAG_KEK))
        kf_reader_fail_at(r, r->off - 1, KF_E_MALFORMED, "keyfile.flags");
    e->is_active = (flags & FLAG_ACTIVE) != 0;
    e->has_rsi = (flags & FLAG_RSI) != 0;
    e->kind = kind == FLAG_TEK   ? KEYFILL_KIND_TEK
              : kind == FLAG_KEK ? KEYFILL_KIND_KEK
                                 : KEYFILL_KIND_AUTO;
}

static void decode_entry(kf_reader *r, keyfill_file *file)
{
    keyfill_entry e = { 0 };
    size_t at = r->off;
    e.id = kf_read_u32(r, "keyfile.entry_id");
    decode_flags(r, &e);
    e.keyset = kf_read_u8(r, "keyfile.keyset");
    if (e.keyset == 0 && !e.is_active)
        kf_reader_fail_at(r, r->off - 1, KF_E_MALFORMED, "keyfile.keyset");
    e.sln = kf_read_u16(r, "keyfile.sln");
    e.algid = kf_read_u8(r, "keyfile.algid");
    e.kid = kf_read_u16(r, "keyfile.kid");
    e.rsi = e.has_rsi ? kf_read_u24(r, "keyfile.rsi") : 0;
    decode_name(r, &e.name, "keyfile.entry_name");
    kf_slice key = kf_read_slice(r, kf_read_u8(r, "keyfile.key_length"), "keyfile.key");
    if (!kf_reader_ok(r))
        return;
    kf_err err = kf_secret_new_copy(key, &e.material);
    if (err == KF_OK)
        err = keyfill_file_take_entry(file, &e);
    if (err != KF_OK) /* a used id is malformed here, as is an empty key */
        kf_reader_fail_at(r, at, err == KF_E_STATE ? KF_E_MALFORMED : err, "keyfile.entry");
}

static void decode_group(kf_reader *r, keyfill_file *file)
{
    keyfill_name name;
    keyfill_group *group = NULL;
    size_t at = r->off;
    uint32_t id = kf_read_u32(r, "keyfile.group_id");
    decode_name(r, &name, "keyfile.group_name");
    size_t count = kf_read_u16(r, "keyfile.members");
    if (!kf_reader_ok(r))
        return;
    kf_err err = keyfill_file_add_group(file, id, &name, &group);
    if (err != KF_OK)
        kf_reader_fail_at(r, at, err == KF_E_STATE ? KF_E_MALFORMED : err, "keyfile.group");
    for (size_t i = 0; i < count && kf_reader_ok(r); i++) {
        uint32_t member = kf_read_u32(r, "keyfile.member");
        if (!kf_reader_ok(r))
            return;
        err = keyfill_file_add_member(file, group, member);
        if (err != KF_OK)
            kf_reader_fail_at(r, r->off - ID_OCTETS, err == KF_E_STATE ? KF_E_MALFORMED : err,
                              "keyfile.member");
    }
}

void keyfill_box_decode(kf_reader *r, keyfill_file *out)
{
    memset(out, 0, sizeof *out);
    if (kf_read_u8(r, "keyfile.version") != VERSION_1)
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "keyfile.version");
    uint16_t entries = kf_read_u16(r, "keyfile.entries");
    uint16_t groups = kf_read_u16(r, "keyfile.groups");
    for (unsigned i = 0; i < entries && kf_reader_ok(r); i++)
        decode_entry(r, out);
    for (unsigned i = 0; i < groups && kf_reader_ok(r); i++)
        decode_group(r, out);
}

kf_err keyfill_box_parse(kf_slice content, keyfill_file *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(content, fault);
    keyfill_box_decode(&r, out);
    kf_err err = kf_reader_end(&r, "keyfile");
    if (err != KF_OK)
        keyfill_file_clear(out);
    return err;
}

kf_err keyfill_box_open(kf_slice octets, kf_slice passphrase, keyfill_file *out, kf_fault *fault)
{
    kf_secret *content = NULL;
    memset(out, 0, sizeof *out);
    kf_err err = kf_container_open(KF_CONTAINER_KEY_FILE, passphrase, octets, &content, fault);
    if (err == KF_OK)
        err = keyfill_box_parse(kf_secret_view(content), out, fault);
    kf_secret_free(&content);
    return err;
}
