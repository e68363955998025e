/** @file slice.h A borrowed run of octets. Valid until its owner changes or dies; never freed
 * through. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kf_slice {
    const uint8_t *ptr;
    size_t len;
} kf_slice;

/** The octets of an array object. */
#define KF_SLICE_OF(array) ((kf_slice){ (array), sizeof(array) })

/** The characters of a C string, without its NUL. */
kf_slice kf_slice_str(const char *text);

/** Same octets? Not constant time: for public values only. */
bool kf_slice_equal(kf_slice a, kf_slice b);

/** Same octets, in time that depends on the lengths only. */
bool kf_ct_equal(kf_slice a, kf_slice b);

/** At most len octets from off; empty where the slice ends before. */
kf_slice kf_slice_part(kf_slice s, size_t off, size_t len);

#endif
