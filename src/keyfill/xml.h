/**
 * @file xml.h Small XML documents against a table of elements, over libxml2's SAX2 events. Internal
 * to the room.
 *
 * No DOCTYPE, comment, CDATA or processing instruction is let through to libxml2, so no entity is
 * ever declared; UTF-8 only. The first thing that is not in the table stops the parse. Text is
 * gathered in locked memory; libxml2's heap is wiped and capped (xml/memory.h).
 */
#ifndef KEYFILL_XML_H
#define KEYFILL_XML_H

#include "base/err.h"
#include "base/slice.h"

#define KEYFILL_XML_DEPTH_MAX 8u
#define KEYFILL_XML_NODES_MAX 32u
#define KEYFILL_XML_ROOT      KEYFILL_XML_NODES_MAX /**< parent of the root element */

/** One element that may occur, under one parent. */
typedef struct keyfill_xml_node {
    const char *name;
    const char *name_space; /**< NULL: in none */
    uint8_t parent;         /**< place in the table, or KEYFILL_XML_ROOT */
    bool is_simple;         /**< holds text, and no elements; else the reverse */
    bool may_repeat, is_required;
    const char *attribute; /**< the one it must have; NULL: it may have none */
    const char *field;     /**< for faults: a literal */
} keyfill_xml_node;

/** What is told while a document is read. Any of these returns KF_OK or stops the parse. */
typedef struct keyfill_xml_visitor {
    const keyfill_xml_node *nodes;
    size_t node_count;
    kf_err (*on_open)(void *ctx, size_t node); /**< of an element with elements; may be NULL */
    kf_err (*on_attribute)(void *ctx, size_t node, kf_slice value);
    kf_err (*on_text)(void *ctx, size_t node, kf_slice text); /**< all text of a simple element */
    kf_err (*on_close)(void *ctx, size_t node);               /**< as on_open */
    void *ctx;
    size_t text_max; /**< longest text in octets */
} keyfill_xml_visitor;

/**
 * Read a document of at most octets_max octets.
 * @return KF_E_TRUNCATED, KF_E_TRAILING, KF_E_MALFORMED, KF_E_NO_SPACE (a cap), KF_E_NO_MEMORY,
 * KF_E_BACKEND, or what the visitor said.
 */
KF_MUST_USE kf_err keyfill_xml_parse(kf_slice document, size_t octets_max,
                                     const keyfill_xml_visitor *visitor, kf_fault *fault);

#endif
