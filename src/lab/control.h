/**
 * @file control.h Requests on the control socket of a lab node: one line of words, separated by
 * single spaces, at most 1,024 octets with the LF. Answers are one line of JSON, made by the node.
 *
 * A request is a verb and its operands; which verbs there are is a table that the node owns, so
 * that help, checks and dispatch cannot disagree.
 */
#ifndef LAB_CONTROL_H
#define LAB_CONTROL_H

#include "base/err.h"
#include "base/slice.h"

#define LAB_CONTROL_LINE_MAX 1024u
#define LAB_CONTROL_OPERANDS 6u

/** What an operand is. */
typedef enum lab_operand_kind {
    LAB_OPERAND_NONE,   /**< end of the list */
    LAB_OPERAND_NUMBER, /**< decimal without leading zeros, in [min, max] */
    LAB_OPERAND_WORD,   /**< one of the words in `words`, separated by | */
    LAB_OPERAND_TEXT,   /**< printable ASCII, no spaces: a path, an address */
} lab_operand_kind;

typedef struct lab_operand {
    lab_operand_kind kind;
    const char *name; /**< "rsi", for messages */
    bool is_optional; /**< only at the end of the list */
    uint32_t min, max;
    const char *words;
} lab_operand;

typedef struct lab_verb {
    const char *name;
    const char *summary; /**< one line for help */
    lab_operand operands[LAB_CONTROL_OPERANDS + 1];
} lab_verb;

/** A request that fits its verb. */
typedef struct lab_request {
    const lab_verb *verb;
    size_t count; /**< operands given */
    struct {
        uint32_t number; /**< of a NUMBER; place in the list of a WORD */
        kf_slice text;   /**< as written; borrowed */
    } operands[LAB_CONTROL_OPERANDS];
} lab_request;

/**
 * Parse one line without its LF.
 * @param verbs ends at a NULL name.
 * @param fault field: "control.line", "control.verb", "control.end" or the name of the operand; at:
 * octet offset in the line.
 * @return KF_E_TRUNCATED (an operand is missing), KF_E_TRAILING (one too many), KF_E_MALFORMED,
 * KF_E_UNSUPPORTED (no such verb), KF_E_NO_SPACE (too long); *out is zeroed on failure.
 */
KF_MUST_USE kf_err lab_request_parse(kf_slice line, const lab_verb *verbs, lab_request *out,
                                     kf_fault *fault);

/** "rekey CRYPTO-GROUP", "changeover CRYPTO-GROUP [override]": how a verb is written. @return buf
 */
const char *lab_verb_usage(const lab_verb *verb, char *buf, size_t size);

#endif
