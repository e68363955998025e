#include "lab/control.h"

#include <string.h>

#include "base/text.h"

#define IS_PRINTABLE(c) ((c) > ' ' && (c) < 0x7f)

/** Words of a line, one after the other. */
typedef struct word_source {
    kf_slice line;
    size_t next; /**< where the next word starts; beyond the line when there is none */
    size_t at;   /**< where the last one started */
} word_source;

static bool has_word(const word_source *s)
{
    return s->next <= s->line.len;
}

/** Up to the next space or the end; empty where two spaces meet or the line begins or ends so. */
static kf_slice take_word(word_source *s)
{
    size_t end = s->next;
    while (end < s->line.len && s->line.ptr[end] != ' ')
        end++;
    s->at = s->next;
    s->next = end + 1;
    return kf_slice_part(s->line, s->at, end - s->at);
}

static bool is_printable(kf_slice word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!IS_PRINTABLE(word.ptr[i]))
            return false;
    return word.len > 0;
}

static const lab_verb *find_verb(const lab_verb *verbs, kf_slice name)
{
    for (const lab_verb *v = verbs; v->name != NULL; v++)
        if (kf_slice_equal(kf_slice_str(v->name), name))
            return v;
    return NULL;
}

/** One way to write a number: no sign, no leading zero. */
static bool read_number(kf_slice word, const lab_operand *operand, uint32_t *out)
{
    uint64_t value = 0;
    if ((word.len > 1 && word.ptr[0] == '0') || kf_decimal_read(word, &value) != KF_OK)
        return false;
    *out = (uint32_t)value;
    return value >= operand->min && value <= operand->max;
}

static bool find_word(kf_slice word, const char *words, uint32_t *place)
{
    kf_slice left = kf_slice_str(words);
    for (*place = 0; left.len > 0; (*place)++) {
        const uint8_t *bar = memchr(left.ptr, '|', left.len);
        const size_t len = bar == NULL ? left.len : (size_t)(bar - left.ptr);
        if (kf_slice_equal(kf_slice_part(left, 0, len), word))
            return true;
        left = kf_slice_part(left, len + 1, left.len);
    }
    return false;
}

static bool read_operand(kf_slice word, const lab_operand *operand, uint32_t *number)
{
    switch (operand->kind) {
    case LAB_OPERAND_NONE:
        break;
    case LAB_OPERAND_NUMBER:
        return read_number(word, operand, number);
    case LAB_OPERAND_WORD:
        return find_word(word, operand->words, number);
    case LAB_OPERAND_TEXT:
        return true;
    }
    return false;
}

static kf_err read_operands(word_source *s, lab_request *out, kf_fault *fault)
{
    const lab_operand *operand = out->verb->operands;
    for (; has_word(s); operand++) {
        const kf_slice word = take_word(s);
        if (operand->kind == LAB_OPERAND_NONE)
            return kf_fault_set(fault, KF_E_TRAILING, s->at, "control.end");
        uint32_t number = 0;
        if (!is_printable(word) || !read_operand(word, operand, &number))
            return kf_fault_set(fault, KF_E_MALFORMED, s->at, operand->name);
        out->operands[out->count].number = number;
        out->operands[out->count].text = word;
        out->count++;
    }
    if (operand->kind != LAB_OPERAND_NONE && !operand->is_optional)
        return kf_fault_set(fault, KF_E_TRUNCATED, s->line.len, operand->name);
    return KF_OK;
}

kf_err lab_request_parse(kf_slice line, const lab_verb *verbs, lab_request *out, kf_fault *fault)
{
    word_source s = { line, 0, 0 };

    memset(out, 0, sizeof *out);
    memset(fault, 0, sizeof *fault);
    if (line.len >= LAB_CONTROL_LINE_MAX) /* the LF counts too */
        return kf_fault_set(fault, KF_E_NO_SPACE, LAB_CONTROL_LINE_MAX - 1, "control.line");
    const kf_slice name = take_word(&s);
    if (!is_printable(name))
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "control.verb");
    if ((out->verb = find_verb(verbs, name)) == NULL)
        return kf_fault_set(fault, KF_E_UNSUPPORTED, 0, "control.verb");
    const kf_err err = read_operands(&s, out, fault);
    if (err != KF_OK)
        memset(out, 0, sizeof *out);
    return err;
}

/** Append one character and a NUL; what does not fit is cut. */
static void put(char *buf, size_t size, size_t *len, char c)
{
    if (*len + 1 < size) {
        buf[(*len)++] = c;
        buf[*len] = '\0';
    }
}

static void put_upper(char *buf, size_t size, size_t *len, const char *text)
{
    for (; *text != '\0'; text++)
        put(buf, size, len, *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text);
}

static void put_text(char *buf, size_t size, size_t *len, const char *text)
{
    for (; *text != '\0'; text++)
        put(buf, size, len, *text);
}

const char *lab_verb_usage(const lab_verb *verb, char *buf, size_t size)
{
    size_t len = 0;
    if (size == 0)
        return buf;
    buf[0] = '\0';
    put_text(buf, size, &len, verb->name);
    for (const lab_operand *o = verb->operands; o->kind != LAB_OPERAND_NONE; o++) {
        put_text(buf, size, &len, o->is_optional ? " [" : " ");
        if (o->kind == LAB_OPERAND_WORD)
            put_text(buf, size, &len, o->words);
        else
            put_upper(buf, size, &len, o->name);
        if (o->is_optional)
            put(buf, size, &len, ']');
    }
    return buf;
}
