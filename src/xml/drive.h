/**
 * @file drive.h One document through libxml2's SAX2 events, in pieces, under a cap of memory, with
 * the first fault and its offset kept. What a document may look like is the handlers' business.
 */
#ifndef XML_DRIVE_H
#define XML_DRIVE_H

#include <libxml/parser.h>

#include "base/err.h"
#include "base/slice.h"

/** A parse under way. A reader begins with one, so that the ctx of libxml2's handlers is the
 * reader. */
typedef struct xml_drive {
    kf_fault *fault;       /**< the caller's; the first failure stays */
    xmlParserCtxtPtr ctxt; /**< while it runs */
    size_t fed;            /**< octets given to libxml2 */
    bool is_fed;           /**< all of them, and its end */
} xml_drive;

/** No fault so far? */
bool xml_drive_is_good(const xml_drive *d);
/** Octets that libxml2 has consumed, never more than it was given. */
size_t xml_drive_offset(const xml_drive *d);
/** Record a fault where libxml2 is, and stop it; the first one wins. */
void xml_drive_fail(xml_drive *d, kf_err code, const char *field);

/**
 * Feed a document to handlers; none of them is called after a fault. No entity is resolved, no
 * network, no DTD, no encoding but UTF-8; libxml2's messages go nowhere.
 * @param ctx        first argument of the handlers.
 * @param memory_max of libxml2, in octets.
 * @param is_whole   asked at the end: were all elements closed, and was there a root?
 * @param here       names the place for a fault that libxml2 finds by itself at the end.
 */
void xml_drive_run(xml_drive *d, const xmlSAXHandler *handlers, void *ctx, size_t memory_max,
                   kf_slice document, bool (*is_whole)(void *ctx), const char *(*here)(void *ctx));

#endif
