#include <stdarg.h>
#include <stdio.h>

#include "explain/explain.h"

/* A line holds a clause, a value and a meaning at most. */
#define LINE_MAX_OCTETS (2u * EXPLAIN_TEXT_MAX + 256u)

static void KF_PRINTF(2, 3) line(explain_text *t, const char *fmt, ...)
{
    char text[LINE_MAX_OCTETS];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n > 0)
        t->write(t->ctx, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void on_found(explain_sink *sink, const explain_found *found)
{
    explain_text *t = (explain_text *)sink; /* the first member */
    line(t, "form: %s, because %s", explain_form_name(found->form), found->form_because);
    if (found->form != EXPLAIN_BINARY && found->len > 0)
        line(t, " (octets %zu to %zu of the input)", found->at, found->at + found->len - 1);
    line(t, "\nkind: %s, because %s\n", explain_kind_name(found->kind), found->kind_because);
}

static void on_layer(explain_sink *sink, const explain_layer *layer)
{
    explain_text *t = (explain_text *)sink;
    t->depth = layer->depth;
    line(t, "\n%*s%s, %zu octets (%s)", (int)(2 * layer->depth), "", layer->name, layer->octets.len,
         layer->clause);
    if (layer->decrypted)
        line(t, ", decrypted");
    else if (layer->depth > 0)
        line(t, ", at octet %zu of the layer above", layer->base);
    line(t, "\n");
}

static void on_field(explain_sink *sink, const explain_field *f)
{
    explain_text *t = (explain_text *)sink;
    char range[48];
    if (f->len > 1)
        snprintf(range, sizeof range, "%zu-%zu", f->at, f->at + f->len - 1);
    else
        snprintf(range, sizeof range, "%zu", f->at);
    line(t, "%*s%-9s %-24s %s", (int)(2 * t->depth), "", range, f->field, f->value);
    if (f->meaning[0] != '\0')
        line(t, "  = %s", f->meaning);
    line(t, "%s%s%s\n", f->clause[0] == '\0' ? "" : "  [", f->clause,
         f->clause[0] == '\0' ? "" : "]");
}

static void on_note(explain_sink *sink, const char *text)
{
    line((explain_text *)sink, "note: %s\n", text);
}

static void on_fault(explain_sink *sink, const kf_fault *fault, const char *meaning)
{
    line((explain_text *)sink, "\nBAD: %s at octet %zu: %s: %s\n",
         fault->field == NULL ? "message" : fault->field, fault->at, kf_err_name(fault->code),
         meaning);
}

void explain_text_init(explain_text *text, void (*write)(void *ctx, const char *text, size_t len),
                       void *ctx)
{
    *text = (explain_text){ { on_found, on_layer, on_field, on_note, on_fault }, write, ctx, 0 };
}
