/*
 * Requests on a control socket. Oracle: a refusal names a field and a place in the line; what is
 * accepted, written again from what was understood (verb, numbers, words by their place, texts),
 * is the very same line; every word of it is one that the usage of the verb announces.
 */
#include <stdio.h>
#include <string.h>

#include "cover.h"
#include "lab/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static const lab_verb verbs[] = {
    { "status", "", { { .kind = LAB_OPERAND_NONE } } },
    { "rekey", "", { { .kind = LAB_OPERAND_NUMBER, .name = "crypto-group", .max = 14 } } },
    { "changeover",
      "",
      { { .kind = LAB_OPERAND_NUMBER, .name = "crypto-group", .max = 14 },
        { .kind = LAB_OPERAND_WORD, .name = "how", .words = "override", .is_optional = true } } },
    { "service",
      "",
      { { .kind = LAB_OPERAND_NUMBER, .name = "rsi", .min = 1, .max = 9999999 },
        { .kind = LAB_OPERAND_WORD, .name = "mode", .words = "on|off" } } },
    { "load", "", { { .kind = LAB_OPERAND_TEXT, .name = "file" } } },
    { "six",
      "",
      { { .kind = LAB_OPERAND_NUMBER, .name = "a", .max = UINT32_MAX },
        { .kind = LAB_OPERAND_NUMBER, .name = "b", .min = 5, .max = 70000 },
        { .kind = LAB_OPERAND_TEXT, .name = "c", .is_optional = true },
        { .kind = LAB_OPERAND_WORD, .name = "d", .words = "x|xx|xxx", .is_optional = true },
        { .kind = LAB_OPERAND_TEXT, .name = "e", .is_optional = true },
        { .kind = LAB_OPERAND_NUMBER, .name = "f", .max = 1, .is_optional = true } } },
    { .name = NULL },
};

/** The word at a place of "a|b|c". */
static size_t put_word(char *out, size_t size, const char *words, uint32_t place)
{
    for (; place > 0; place--)
        words = strchr(words, '|') + 1;
    return (size_t)snprintf(out, size, " %.*s", (int)strcspn(words, "|"), words);
}

static size_t put_operand(char *out, size_t size, const lab_request *r, size_t i)
{
    const lab_operand *o = &r->verb->operands[i];
    const kf_slice text = r->operands[i].text;
    if (o->kind == LAB_OPERAND_NUMBER)
        return (size_t)snprintf(out, size, " %lu", (unsigned long)r->operands[i].number);
    if (o->kind == LAB_OPERAND_WORD)
        return put_word(out, size, o->words, r->operands[i].number);
    same(o->kind == LAB_OPERAND_TEXT);
    return (size_t)snprintf(out, size, " %.*s", (int)text.len, (const char *)text.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    char again[LAB_CONTROL_LINE_MAX + 1];
    lab_request r;
    kf_fault fault;
    if (lab_request_parse((kf_slice){ in, len }, verbs, &r, &fault) != KF_OK) {
        same(fault.code != KF_OK && fault.field != NULL && fault.at <= len);
        same(r.verb == NULL && r.count == 0);
        return 0;
    }
    size_t n = (size_t)snprintf(again, sizeof again, "%s", r.verb->name);
    for (size_t i = 0; i < r.count; i++)
        n += put_operand(again + n, sizeof again - n, &r, i);
    same(kf_slice_equal(kf_slice_str(again), (kf_slice){ in, len }));
    const lab_operand *next = &r.verb->operands[r.count];
    same(next->kind == LAB_OPERAND_NONE || next->is_optional);
    return 0;
}
