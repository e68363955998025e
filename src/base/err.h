/** @file err.h One error type for all rooms: the code says what the caller can do, the fault says
 * where. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

#include "base/attr.h"

/** What happened, seen from the caller. 0 is success. */
typedef enum kf_err {
    KF_OK = 0,
    KF_E_TRUNCATED,   /**< input ends inside a field */
    KF_E_TRAILING,    /**< octets remain after the last field */
    KF_E_MALFORMED,   /**< a value its clause forbids */
    KF_E_UNSUPPORTED, /**< well formed, and not ours to handle */
    KF_E_NO_SPACE,    /**< the caller's buffer is too small */
    KF_E_STATE,       /**< right message, wrong moment */
    KF_E_AUTH,        /**< did not verify; never say which check */
    KF_E_DENIED,      /**< policy says no */
    KF_E_NO_MEMORY,   /**< out of memory, or memory that must be locked cannot be */
    KF_E_BACKEND,     /**< a library or the operating system failed */
} kf_err;

/** The first failure of a parse. Holds no input and no keys, so it is safe to log. */
typedef struct kf_fault {
    kf_err code;
    size_t at;         /**< octet offset in the message */
    const char *field; /**< a literal such as "HDR.version"; NULL when there is none */
} kf_fault;

/** Record a failure unless one is recorded already. @return the recorded code, never KF_OK. */
kf_err kf_fault_set(kf_fault *fault, kf_err code, size_t at, const char *field);

/** @return a short name such as "truncated"; a literal. */
const char *kf_err_name(kf_err code);

/** @return a sentence for a person, such as "the input ends inside a field"; a literal. */
const char *kf_err_text(kf_err code);

#endif
