/**
 * @file strict.h YAML as our configuration files may use it: one document, no aliases, anchors or
 * tags, no key twice, shallow, numbers written one way and in range. Looked at before libcyaml sees
 * the text, which would let some of that pass.
 */
#ifndef YAML_STRICT_H
#define YAML_STRICT_H

#include "base/err.h"
#include "base/slice.h"

#define KF_YAML_MAX (4u << 20) /**< octets of a file */

/** Where and why. */
typedef struct kf_yaml_fault {
    size_t line;    /**< from 1; 0: unknown */
    char field[96]; /**< "units[3].rsi", from 0; "" when it is the whole file or its YAML */
    char why[160];  /**< a sentence, safe to show; "" after success */
} kf_yaml_fault;

/** A key whose value, or whose list's every entry, is a number. */
typedef struct kf_yaml_number {
    const char *key;
    uint32_t min, max;
} kf_yaml_number;

/** Say where and why, unless something was said before. @return KF_E_MALFORMED. */
kf_err kf_yaml_say(kf_yaml_fault *fault, size_t line, const char *field, const char *why);

/**
 * Check the form of a text.
 * @param numbers ends at a NULL key.
 * @return KF_E_MALFORMED with fault, KF_E_NO_SPACE, KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err kf_yaml_check(kf_slice yaml, const kf_yaml_number *numbers,
                                 kf_yaml_fault *fault);

/** The line of "units[3].rsi" in a text that passed the check; 0 when it is not there. */
size_t kf_yaml_line_of(kf_slice yaml, const char *field);

#endif
