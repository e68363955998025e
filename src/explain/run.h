/** @file run.h Inside this room: one explanation under way. */
#ifndef EXPLAIN_RUN_H
#define EXPLAIN_RUN_H

#include "base/reader.h"
#include "explain/explain.h"
#include "explain/fields.h"
#include "p25/dli.h"
#include "p25/kmm.h"

typedef struct run {
    kf_trace trace; /**< first: the decoders call it */
    const explain_options *options;
    explain_sink *sink;
    kf_fault *fault;
    fields_context context;
    size_t base;   /**< offset of the reader's octet 0 in the layer */
    size_t shown;  /**< fields told */
    size_t hidden; /**< fields over the cap */
} run;

/** Tell one field; counts it only when the cap is reached. */
void run_field(run *r, const explain_field *field);

/** Tell a note, printf-like. */
void run_note(run *r, const char *fmt, ...) KF_PRINTF(2, 3);

/** Tell a layer; the fields that follow are of it. */
void run_layer(run *r, const char *name, const char *clause, unsigned depth, size_t base,
               bool decrypted, kf_slice octets);

/** A reader of the layer told last that the run listens to. */
kf_reader run_listen(run *r, kf_slice octets);

/** Explain an MCData Protected Payload, at base of the layer above. */
kf_err run_protected(run *r, kf_slice octets, unsigned depth, size_t base);

/** P25, and what it travels in (p25.c). */
kf_err run_kmm(run *r, kf_slice octets, p25_side side, unsigned depth, size_t base, bool decrypted);
kf_err run_dli(run *r, kf_slice octets, unsigned depth, size_t base);
kf_err run_dld(run *r, kf_slice octets);
kf_err run_interworking(run *r, kf_slice octets);
kf_err run_issi(run *r, kf_slice octets);
kf_err run_three_wire(run *r, kf_slice octets);

/** With options->keys, which must be there (p25_open.c). Open what a sync names a key for, as a
 * layer of that depth; without a key that fits only say so. */
kf_err run_open_outer(run *r, const p25_outer_sync *sync, kf_slice sealed, unsigned depth);
/** Check the MAC of the KMM told last, open the keys in it, and say how it went. */
kf_err run_open_kmm(run *r, const p25_kmm *kmm);
/** Say whether the file has that key; nothing without a file. */
void run_say_voice_key(run *r, uint8_t algid, uint16_t kid);

/** Key files (keyfile.c): KFDtool's container, and the content of ours. Keys are not shown. */
kf_err run_ekc(run *r, kf_slice octets);
kf_err run_key_file(run *r, kf_slice sealed);

/** Does the table of elements have this fault literal of kms/? For tests. */
bool explain_knows_element(const char *field);

/** Explain an annex D document (xml.c). */
kf_err run_xml(run *r, kf_slice document);

#endif
