/**
 * @file kmm_body.h Private to the KMM codec: one pair of functions for each body, decoder and
 * encoder as neighbours. Decoders read from a sub-reader of the body's octets; that all of them
 * were used is checked by the caller.
 */
#ifndef P25_KMM_BODY_H
#define P25_KMM_BODY_H

#include "p25/kmm.h"

typedef void p25_body_decode_fn(kf_reader *r, p25_kmm *m);
typedef void p25_body_encode_fn(const p25_kmm *m, kf_writer *w);

/* kmm_body_small.c */
p25_body_decode_fn p25_opaque_decode, p25_empty_decode, p25_zeroize_decode, p25_hello_decode,
    p25_capabilities_decode, p25_change_rsi_decode, p25_changeover_decode, p25_negative_ack_decode,
    p25_rekey_ack_decode, p25_set_date_time_decode, p25_registration_decode, p25_status_decode,
    p25_utd_decode, p25_session_decode, p25_load_config_decode;
p25_body_encode_fn p25_opaque_encode, p25_empty_encode, p25_hello_encode, p25_capabilities_encode,
    p25_change_rsi_encode, p25_changeover_encode, p25_negative_ack_encode, p25_rekey_ack_encode,
    p25_set_date_time_encode, p25_registration_encode, p25_status_encode, p25_utd_encode,
    p25_session_encode, p25_load_config_encode;

/* kmm_body_keys.c */
p25_body_decode_fn p25_rekey_decode, p25_modify_key_decode, p25_warm_start_decode,
    p25_load_auth_key_decode, p25_delete_auth_key_decode;
p25_body_encode_fn p25_rekey_encode, p25_modify_key_encode, p25_warm_start_encode,
    p25_load_auth_key_encode, p25_delete_auth_key_encode;

/* kmm_body_lists.c */
p25_body_decode_fn p25_modify_keyset_decode, p25_keyset_statuses_decode, p25_inventory_cmd_decode,
    p25_inventory_rsp_decode;
p25_body_encode_fn p25_modify_keyset_encode, p25_keyset_statuses_encode, p25_inventory_cmd_encode,
    p25_inventory_rsp_encode;

/* kmm_element.c: elements that several bodies share */

/** Fail the reader at the len octets just read unless ok. */
void p25_expect(kf_reader *r, bool ok, size_t len, kf_err code, const char *field);

/** Fail the writer (KF_E_MALFORMED) unless ok. */
void p25_require(kf_writer *w, bool ok);

/** A number of elements: value when it is at most max, else 0 and a fault (KF_E_UNSUPPORTED). */
uint8_t p25_count_u8(kf_reader *r, size_t max, const char *field);
uint8_t p25_count_u16(kf_reader *r, size_t max, const char *field);

/** 24 bits; a larger value fails the writer. */
void p25_rsi_encode(kf_writer *w, uint32_t rsi);

void p25_date_time_decode(kf_reader *r, p25_date_time *t);
void p25_date_time_encode(const p25_date_time *t, kf_writer *w);

/** Format octet of a keyset. The length of the name goes to *name_octets. */
void p25_tag_format_decode(kf_reader *r, p25_keyset_tag *t, size_t *name_octets);
void p25_tag_format_encode(const p25_keyset_tag *t, kf_writer *w);

/** The reserved octets and the activation time, as the format has them. */
void p25_tag_options_decode(kf_reader *r, p25_keyset_tag *t);
void p25_tag_options_encode(const p25_keyset_tag *t, kf_writer *w);

/** Tagging form: format, ID, 00, options, name; in front of them a count of 1 or 2 octets. */
void p25_tags_decode(kf_reader *r, uint8_t count, p25_keyset_tags *tags);
void p25_tags_encode(const p25_keyset_tags *tags, kf_writer *w);

#endif
