/**
 * @file check.h What is wrong, or looks wrong, with keys: a table of checks, each with a severity,
 * a stable code and a sentence for the person who loads radios.
 *
 * Source: project facts 6.5, 1.7.7 to 1.7.9; FIPS 74 and NIST SP 800-67 (weak DES keys).
 */
#ifndef KEYFILL_CHECK_H
#define KEYFILL_CHECK_H

#include "keyfill/file.h"

typedef enum keyfill_severity {
    KEYFILL_WARN,   /**< go on, and tell somebody */
    KEYFILL_REFUSE, /**< this key must not be loaded or exported */
} keyfill_severity;

/** What was found. The text code of each (keyfill_problem_code) is stable, these values are not. */
typedef enum keyfill_problem {
    /* about one entry */
    KEYFILL_KEYSET_RANGE,
    KEYFILL_SLN_RANGE,
    KEYFILL_SLN_ZERO,
    KEYFILL_SLN_KEYSET_GROUP,
    KEYFILL_KIND_SLN_GROUP,
    KEYFILL_KID_RANGE,
    KEYFILL_KID_ZERO,
    KEYFILL_ALGID_RANGE,
    KEYFILL_ALGID_CLEAR,
    KEYFILL_ALGID_UNKNOWN,
    KEYFILL_ALGID_WEAK,
    KEYFILL_RSI_RANGE,
    KEYFILL_RSI_NOT_INDIVIDUAL,
    KEYFILL_RSI_NOT_KEK,
    KEYFILL_KEY_LENGTH,
    KEYFILL_DES_PARITY,
    KEYFILL_DES_WEAK,
    KEYFILL_DES_SEMI_WEAK,
    KEYFILL_DES_POSSIBLY_WEAK,
    KEYFILL_TDEA_PARITY,
    KEYFILL_TDEA_WEAK_PART,
    KEYFILL_TDEA_EQUAL_PARTS,
    KEYFILL_KEY_PATTERN,
    /* about two entries */
    KEYFILL_KID_CLASH,
    KEYFILL_PLACE_CLASH,
    /* about a file as it was read */
    KEYFILL_NO_INTEGRITY,
    KEYFILL_CLEAR_KEYS,
    KEYFILL_ENTRY_INCOMPLETE,
    KEYFILL_MEMBER_MISSING,
    KEYFILL_RSI_LOST,
    KEYFILL_PROBLEM_COUNT,
} keyfill_problem;

keyfill_severity keyfill_problem_severity(keyfill_problem problem);

/** "sln-keyset-group": for scripts, does not change; a literal. */
const char *keyfill_problem_code(keyfill_problem problem);

/** A sentence for a technician; a literal. */
const char *keyfill_problem_text(keyfill_problem problem);

/** No entry. */
#define KEYFILL_NOWHERE SIZE_MAX

/** One finding. Holds no keys, so it is safe to show and to log. */
typedef struct keyfill_finding {
    keyfill_problem problem;
    size_t entry; /**< place among the entries, or among those of the file as read; or nowhere */
    size_t other; /**< the second entry of a pair; or nowhere */
    uint32_t id;  /**< id of the entry or group it is about, 0 when it has none */
    const char *field; /**< a literal such as "KeyItem.Sln"; NULL when there is nothing to add */
} keyfill_finding;

#define KEYFILL_FINDINGS_MAX 4096u

/** What was found so far. All zero is empty. */
typedef struct keyfill_findings {
    keyfill_finding *items;
    size_t count, cap;
    bool is_cut; /**< there were more than KEYFILL_FINDINGS_MAX */
} keyfill_findings;

/** Free; leaves it empty. May be called twice. */
void keyfill_findings_clear(keyfill_findings *findings);

/** Append one. Beyond the maximum only is_cut is set. @return KF_E_NO_MEMORY. */
KF_MUST_USE kf_err keyfill_findings_add(keyfill_findings *findings, keyfill_finding finding);

/** Is one of them a reason to refuse? */
bool keyfill_findings_refuse(const keyfill_findings *findings);

/** How many findings of that kind there are. */
size_t keyfill_findings_count(const keyfill_findings *findings, keyfill_problem problem);

/**
 * All checks over all entries and all pairs; findings are appended. Our code takes no branch from
 * material except on the verdict of a whole check, which is what the caller learns anyway.
 * @return KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err keyfill_check(const keyfill_file *file, keyfill_findings *findings);

/** The checks of one entry, as if it stood alone; `at` is written to the findings. */
KF_MUST_USE kf_err keyfill_check_entry(const keyfill_entry *entry, size_t at,
                                       keyfill_findings *findings);

#endif
