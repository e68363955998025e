/**
 * @file file.h Keys as people keep them: an entry for each key, groups of entries, and the file
 * that holds both. Every format of this room reads into it and is written from it.
 *
 * Numbers are as wide as a file may state them, not as wide as the air allows: check.h says what is
 * out of range, so that a technician sees which key is wrong and why.
 *
 * Source: project facts 1.7, 6.1.
 */
#ifndef KEYFILL_FILE_H
#define KEYFILL_FILE_H

#include "base/secret.h"
#include "base/slice.h"

#define KEYFILL_NAME_MAX     128u   /**< octets of a name, UTF-8 */
#define KEYFILL_MATERIAL_MAX 255u   /**< octets of a key */
#define KEYFILL_ENTRIES_MAX  1024u  /**< entries of a file */
#define KEYFILL_GROUPS_MAX   256u   /**< groups of a file */
#define KEYFILL_MEMBERS_MAX  65536u /**< members of all groups of a file together */

/** What the file says a key is for. */
typedef enum keyfill_kind {
    KEYFILL_KIND_AUTO, /**< by its SLN: a KEK in crypto group 15, else a TEK */
    KEYFILL_KIND_TEK,
    KEYFILL_KIND_KEK,
} keyfill_kind;

/** A name: octets of UTF-8, no NUL at the end. */
typedef struct keyfill_name {
    uint8_t octets[KEYFILL_NAME_MAX];
    uint8_t len;
} keyfill_name;

/** One key. */
typedef struct keyfill_entry {
    uint32_t id; /**< unique in its file; groups refer to it */
    keyfill_name name;
    bool is_active;  /**< goes to the active keyset, whichever that is; keyset says nothing then */
    uint32_t keyset; /**< 1 to 255 when in range */
    uint32_t sln;    /**< storage location number, also called CKR; 0 to 65535 */
    uint32_t kid;    /**< key ID; 0 to FFFF */
    uint32_t algid;  /**< algorithm ID; 0 to FF */
    keyfill_kind kind;
    bool has_rsi; /**< for a UKEK: whose it is */
    uint32_t rsi; /**< 24 bits */
    kf_secret *material;
} keyfill_entry;

/** A named choice of entries, for instance all keys of a fire brigade. */
typedef struct keyfill_group {
    uint32_t id;
    keyfill_name name;
    uint32_t *members; /**< entry ids */
    size_t member_count, member_cap;
} keyfill_group;

/** Everything in one file. All zero is an empty file. */
typedef struct keyfill_file {
    keyfill_entry *entries;
    size_t entry_count, entry_cap;
    keyfill_group *groups;
    size_t group_count, group_cap;
    size_t member_count; /**< of all groups */
} keyfill_file;

/** Free and wipe everything; leaves an empty file. May be called twice. */
void keyfill_file_clear(keyfill_file *file);

/**
 * Append an entry. Its material is taken: on success and on failure entry->material becomes NULL.
 * @return KF_E_STATE when its id is there already, KF_E_NO_SPACE beyond the maximum, KF_E_MALFORMED
 * without material or with too much of it, KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err keyfill_file_take_entry(keyfill_file *file, keyfill_entry *entry);

/** The entry of that id, a loan until the next change of the file; NULL when there is none. */
const keyfill_entry *keyfill_file_find(const keyfill_file *file, uint32_t id);

/** The group of that name, a loan as above; NULL when there is none. */
keyfill_group *keyfill_file_find_group(const keyfill_file *file, kf_slice name);

/** The smallest id above all that are in use, and 1 at the least; 0 when there is none left. */
uint32_t keyfill_file_next_entry_id(const keyfill_file *file);
uint32_t keyfill_file_next_group_id(const keyfill_file *file);

/**
 * Append an empty group. *out is a loan until the next group is added.
 * @return as keyfill_file_take_entry().
 */
KF_MUST_USE kf_err keyfill_file_add_group(keyfill_file *file, uint32_t id, const keyfill_name *name,
                                          keyfill_group **out);

/**
 * Make an entry a member of a group of the file.
 * @return KF_E_MALFORMED when there is no such entry, KF_E_STATE when it is a member already,
 * KF_E_NO_SPACE, KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err keyfill_file_add_member(keyfill_file *file, keyfill_group *group, uint32_t id);

/** Take out the entry of that id, also from all groups, and wipe its key. None such: nothing. */
void keyfill_file_remove_entry(keyfill_file *file, uint32_t id);

/** Take out the group of that id; its members stay. None such: nothing. */
void keyfill_file_remove_group(keyfill_file *file, uint32_t id);

/** Same entries in the same order, same groups? Material is compared in constant time. */
bool keyfill_file_equal(const keyfill_file *a, const keyfill_file *b);

/** Is it a KEK, AUTO resolved? */
bool keyfill_entry_is_kek(const keyfill_entry *entry);

/** Do keyset, SLN, KID, ALGID and RSI fit the fields that carry them? Keyset 0 only if active. */
bool keyfill_entry_is_in_range(const keyfill_entry *entry);

/**
 * Set a name. @return KF_E_NO_SPACE when it is too long, KF_E_MALFORMED when it is not UTF-8 or has
 * control characters or what XML cannot carry.
 */
KF_MUST_USE kf_err keyfill_name_set(keyfill_name *name, kf_slice text);

/** The octets of a name; a loan. */
kf_slice keyfill_name_view(const keyfill_name *name);

#endif
