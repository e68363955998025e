/**
 * @file load.h A strict YAML text into a struct, by a libcyaml schema. What libcyaml says of a text
 * comes back as a place and a sentence; it gets at most 64 MiB.
 */
#ifndef YAML_LOAD_H
#define YAML_LOAD_H

#include <cyaml/cyaml.h>

#include "yaml/strict.h"

/**
 * Check the form (strict.h), then load. Caller frees *out by kf_yaml_unload(); NULL on failure.
 * @return KF_E_MALFORMED with fault, KF_E_NO_SPACE, KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err kf_yaml_load(kf_slice yaml, const kf_yaml_number *numbers,
                                const cyaml_schema_value_t *schema, void **out,
                                kf_yaml_fault *fault);
void kf_yaml_unload(const cyaml_schema_value_t *schema, void **loaded);

/** Refuse a field of a text that was loaded, with its line. @return KF_E_MALFORMED. */
kf_err kf_yaml_refuse(kf_slice yaml, kf_yaml_fault *fault, const char *field, const char *why);

#endif
