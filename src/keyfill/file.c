#include "keyfill/file.h"

#include <stdlib.h>
#include <string.h>

#include "p25/ids.h"

#define KEK_GROUP 15u
#define RSI_MAX   0xffffffu

/* Room for one more of `size` octets. No secret is in these arrays, only pointers to them. */
static kf_err grow(void **array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return KF_OK;
    size_t wider = *cap == 0 ? 8 : *cap * 2;
    void *moved = realloc(*array, wider * size);
    if (moved == NULL)
        return KF_E_NO_MEMORY;
    *array = moved;
    *cap = wider;
    return KF_OK;
}

void keyfill_file_clear(keyfill_file *file)
{
    for (size_t i = 0; i < file->entry_count; i++)
        kf_secret_free(&file->entries[i].material);
    for (size_t i = 0; i < file->group_count; i++)
        free(file->groups[i].members);
    free(file->entries);
    free(file->groups);
    memset(file, 0, sizeof *file);
}

static kf_err append_entry(keyfill_file *file, const keyfill_entry *entry)
{
    size_t octets = kf_secret_len(entry->material);
    if (octets == 0 || octets > KEYFILL_MATERIAL_MAX)
        return KF_E_MALFORMED;
    if (keyfill_file_find(file, entry->id) != NULL)
        return KF_E_STATE;
    if (file->entry_count >= KEYFILL_ENTRIES_MAX)
        return KF_E_NO_SPACE;
    void *array = file->entries;
    kf_err err = grow(&array, file->entry_count, &file->entry_cap, sizeof *entry);
    file->entries = array;
    if (err == KF_OK)
        file->entries[file->entry_count++] = *entry;
    return err;
}

kf_err keyfill_file_take_entry(keyfill_file *file, keyfill_entry *entry)
{
    kf_err err = append_entry(file, entry);
    if (err != KF_OK)
        kf_secret_free(&entry->material);
    entry->material = NULL;
    return err;
}

const keyfill_entry *keyfill_file_find(const keyfill_file *file, uint32_t id)
{
    for (size_t i = 0; i < file->entry_count; i++)
        if (file->entries[i].id == id)
            return &file->entries[i];
    return NULL;
}

keyfill_group *keyfill_file_find_group(const keyfill_file *file, kf_slice name)
{
    for (size_t i = 0; i < file->group_count; i++)
        if (kf_slice_equal(keyfill_name_view(&file->groups[i].name), name))
            return &file->groups[i];
    return NULL;
}

uint32_t keyfill_file_next_entry_id(const keyfill_file *file)
{
    uint32_t most = 0;
    for (size_t i = 0; i < file->entry_count; i++)
        most = file->entries[i].id > most ? file->entries[i].id : most;
    return most == UINT32_MAX ? 0 : most + 1;
}

uint32_t keyfill_file_next_group_id(const keyfill_file *file)
{
    uint32_t most = 0;
    for (size_t i = 0; i < file->group_count; i++)
        most = file->groups[i].id > most ? file->groups[i].id : most;
    return most == UINT32_MAX ? 0 : most + 1;
}

kf_err keyfill_file_add_group(keyfill_file *file, uint32_t id, const keyfill_name *name,
                              keyfill_group **out)
{
    *out = NULL;
    for (size_t i = 0; i < file->group_count; i++)
        if (file->groups[i].id == id)
            return KF_E_STATE;
    if (file->group_count >= KEYFILL_GROUPS_MAX)
        return KF_E_NO_SPACE;
    void *array = file->groups;
    kf_err err = grow(&array, file->group_count, &file->group_cap, sizeof **out);
    file->groups = array;
    if (err != KF_OK)
        return err;
    *out = &file->groups[file->group_count++];
    **out = (keyfill_group){ .id = id, .name = *name };
    return KF_OK;
}

kf_err keyfill_file_add_member(keyfill_file *file, keyfill_group *group, uint32_t id)
{
    if (keyfill_file_find(file, id) == NULL)
        return KF_E_MALFORMED;
    for (size_t i = 0; i < group->member_count; i++)
        if (group->members[i] == id)
            return KF_E_STATE;
    if (file->member_count >= KEYFILL_MEMBERS_MAX)
        return KF_E_NO_SPACE;
    void *array = group->members;
    kf_err err = grow(&array, group->member_count, &group->member_cap, sizeof id);
    group->members = array;
    if (err != KF_OK)
        return err;
    group->members[group->member_count++] = id;
    file->member_count++;
    return KF_OK;
}

/* The count of what is left of an array of ids without one of them. */
static size_t without(uint32_t *ids, size_t count, uint32_t id)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (ids[i] != id)
            ids[kept++] = ids[i];
    return kept;
}

void keyfill_file_remove_entry(keyfill_file *file, uint32_t id)
{
    size_t at = 0;
    while (at < file->entry_count && file->entries[at].id != id)
        at++;
    if (at == file->entry_count)
        return;
    kf_secret_free(&file->entries[at].material);
    file->entry_count--;
    memmove(&file->entries[at], &file->entries[at + 1],
            (file->entry_count - at) * sizeof file->entries[0]);
    for (size_t i = 0; i < file->group_count; i++) {
        keyfill_group *g = &file->groups[i];
        size_t kept = without(g->members, g->member_count, id);
        file->member_count -= g->member_count - kept;
        g->member_count = kept;
    }
}

void keyfill_file_remove_group(keyfill_file *file, uint32_t id)
{
    size_t at = 0;
    while (at < file->group_count && file->groups[at].id != id)
        at++;
    if (at == file->group_count)
        return;
    file->member_count -= file->groups[at].member_count;
    free(file->groups[at].members);
    file->group_count--;
    memmove(&file->groups[at], &file->groups[at + 1],
            (file->group_count - at) * sizeof file->groups[0]);
}

static bool names_equal(const keyfill_name *a, const keyfill_name *b)
{
    return kf_slice_equal(keyfill_name_view(a), keyfill_name_view(b));
}

static bool entries_equal(const keyfill_entry *a, const keyfill_entry *b)
{
    return a->id == b->id && names_equal(&a->name, &b->name) && a->is_active == b->is_active &&
           a->keyset == b->keyset && a->sln == b->sln && a->kid == b->kid && a->algid == b->algid &&
           a->kind == b->kind && a->has_rsi == b->has_rsi && a->rsi == b->rsi &&
           kf_secret_equal(a->material, b->material);
}

static bool groups_equal(const keyfill_group *a, const keyfill_group *b)
{
    if (a->id != b->id || !names_equal(&a->name, &b->name) || a->member_count != b->member_count)
        return false;
    for (size_t i = 0; i < a->member_count; i++)
        if (a->members[i] != b->members[i])
            return false;
    return true;
}

bool keyfill_file_equal(const keyfill_file *a, const keyfill_file *b)
{
    if (a->entry_count != b->entry_count || a->group_count != b->group_count)
        return false;
    for (size_t i = 0; i < a->entry_count; i++)
        if (!entries_equal(&a->entries[i], &b->entries[i]))
            return false;
    for (size_t i = 0; i < a->group_count; i++)
        if (!groups_equal(&a->groups[i], &b->groups[i]))
            return false;
    return true;
}

bool keyfill_entry_is_kek(const keyfill_entry *entry)
{
    switch (entry->kind) {
    case KEYFILL_KIND_AUTO:
        return entry->sln <= UINT16_MAX && p25_sln_crypto_group((uint16_t)entry->sln) == KEK_GROUP;
    case KEYFILL_KIND_TEK:
        return false;
    case KEYFILL_KIND_KEK:
        return true;
    }
    return false;
}

bool keyfill_entry_is_in_range(const keyfill_entry *entry)
{
    return entry->keyset <= UINT8_MAX && (entry->is_active || entry->keyset > 0) &&
           entry->sln <= UINT16_MAX && entry->kid <= UINT16_MAX && entry->algid <= UINT8_MAX &&
           (!entry->has_rsi || entry->rsi <= RSI_MAX);
}

/* Octets of the character at the front, 0 when it is not one that a name may have. */
static size_t character(kf_slice s)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t lead = s.ptr[0];
    if (lead < 0x80)
        return lead >= 0x20 && lead != 0x7f;
    size_t octets = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || octets > s.len)
        return 0;
    uint32_t c = lead & (0x7fu >> octets);
    for (size_t i = 1; i < octets; i++) {
        if ((s.ptr[i] & 0xc0u) != 0x80)
            return 0;
        c = c << 6 | (s.ptr[i] & 0x3fu);
    }
    bool is_control = c < 0xa0;
    bool is_surrogate = c >= 0xd800 && c <= 0xdfff;
    bool is_none = c == 0xfffe || c == 0xffff;
    return c < least[octets] || c > 0x10ffff || is_control || is_surrogate || is_none ? 0 : octets;
}

kf_err keyfill_name_set(keyfill_name *name, kf_slice text)
{
    memset(name, 0, sizeof *name);
    if (text.len > KEYFILL_NAME_MAX)
        return KF_E_NO_SPACE;
    for (size_t at = 0, n = 0; at < text.len; at += n)
        if ((n = character(kf_slice_part(text, at, text.len))) == 0)
            return KF_E_MALFORMED;
    if (text.len > 0)
        memcpy(name->octets, text.ptr, text.len);
    name->len = (uint8_t)text.len;
    return KF_OK;
}

kf_slice keyfill_name_view(const keyfill_name *name)
{
    return (kf_slice){ name->octets, name->len };
}
