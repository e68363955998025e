#include "xml/drive.h"

#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

#include "xml/memory.h"

#define CHUNK_OCTETS 4096u

bool xml_drive_is_good(const xml_drive *d)
{
    return d->fault->code == KF_OK;
}

size_t xml_drive_offset(const xml_drive *d)
{
    const long at = xmlByteConsumed(d->ctxt);
    return at < 0 || (size_t)at > d->fed ? d->fed : (size_t)at;
}

void xml_drive_fail(xml_drive *d, kf_err code, const char *field)
{
    if (!xml_drive_is_good(d))
        return;
    kf_fault_set(d->fault, code, xml_drive_offset(d), field);
    xmlStopParser(d->ctxt);
}

/* What libxml2 says without a parser context, such as that memory is short: it is told anyway. */
static void on_stray_error(void *ctx, xmlErrorPtr error)
{
    (void)ctx;
    (void)error;
}

static xmlParserCtxtPtr new_context(const xmlSAXHandler *handlers, void *ctx)
{
    static const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                               XML_PARSE_IGNORE_ENC; /* no _NOENT, _DTD*, _XINCLUDE, _HUGE */
    xmlSAXHandler sax = *handlers;
    xmlParserCtxtPtr ctxt = xmlCreatePushParserCtxt(&sax, ctx, NULL, 0, NULL);
    if (ctxt != NULL && xmlCtxtUseOptions(ctxt, options) != 0) {
        xmlFreeParserCtxt(ctxt);
        ctxt = NULL;
    }
    return ctxt;
}

static void feed(xml_drive *d, kf_slice document)
{
    for (size_t at = 0; at < document.len && xml_drive_is_good(d); at += CHUNK_OCTETS) {
        const kf_slice chunk = kf_slice_part(document, at, CHUNK_OCTETS);
        d->fed = at + chunk.len;
        if (xmlParseChunk(d->ctxt, (const char *)chunk.ptr, (int)chunk.len, 0) != 0)
            xml_drive_fail(d, KF_E_MALFORMED, "xml");
    }
    d->is_fed = true;
    if (xml_drive_is_good(d) && xmlParseChunk(d->ctxt, NULL, 0, 1) != 0)
        xml_drive_fail(d, KF_E_MALFORMED, "xml");
}

void xml_drive_run(xml_drive *d, const xmlSAXHandler *handlers, void *ctx, size_t memory_max,
                   kf_slice document, bool (*is_whole)(void *ctx), const char *(*here)(void *ctx))
{
    const xmlStructuredErrorFunc said_to = xmlStructuredError; /* perhaps our host's */
    void *said_with = xmlStructuredErrorContext;

    xml_memory_begin(memory_max);
    xmlSetStructuredErrorFunc(NULL, on_stray_error);
    d->ctxt = new_context(handlers, ctx);
    if (d->ctxt == NULL) {
        const kf_err err = xml_memory_was_capped() ? KF_E_NO_SPACE : KF_E_NO_MEMORY;
        kf_fault_set(d->fault, err, 0, "xml.memory");
    } else {
        feed(d, document);
        if (xml_drive_is_good(d) && (!d->ctxt->wellFormed || !is_whole(ctx)))
            xml_drive_fail(d, KF_E_TRUNCATED, here(ctx));
        xmlFreeParserCtxt(d->ctxt);
        d->ctxt = NULL;
    }
    xmlResetLastError();
    xmlSetStructuredErrorFunc(said_with, said_to);
    xml_memory_end();
}
