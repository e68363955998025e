#include "selftest/run.h"

#include <string.h>

#include "selftest/builtin.h"
#include "selftest/check.h"

/* File name and what its cases check. */
static const struct kind {
    const char *file;
    check_fn *fn;
} kinds[] = {
    { "eccsi.txt", check_eccsi },
    { "sakke.txt", check_sakke },
    { "mikey-uid.txt", check_uid },
    { "mikey-derive.txt", check_derive },
    { "mikey-imessage.txt", check_imessage },
    { "p25-keywrap.txt", check_p25_keywrap },
    { "p25-kmm-mac.txt", check_p25_mac },
    { "p25-kmm-rekey.txt", check_p25_rekey },
    { "p25-kmm-examples.txt", check_p25_examples },
    { "p25-kmm-dialogue.txt", check_p25_dialogue },
    { "p25-voice-mi.txt", check_voice_mi },
    { "p25-voice-fdma.txt", check_voice_fdma },
    { "p25-voice-tdma.txt", check_voice_tdma },
    { "p25-voice-pack.txt", check_voice_pack },
    { "p25-es-parity.txt", check_voice_es },
    { "p25-rtp-issi.txt", check_issi },
    { "p25-keyfill-crc.txt", check_keyfill_crc },
    { "p25-ekc.txt", check_ekc },
};

static check_fn *fn_of(const char *file_name)
{
    for (size_t i = 0; i < KF_COUNT(kinds); i++)
        if (strcmp(kinds[i].file, file_name) == 0)
            return kinds[i].fn;
    return NULL;
}

bool selftest_vectors_known(const char *file_name)
{
    return fn_of(file_name) != NULL;
}

static void run_cases(vectors_file *file, check_fn *fn, selftest_miss *miss, void *ctx,
                      selftest_count *out)
{
    *out = (selftest_count){ 0, file->count };
    for (size_t i = 0; i < file->count; i++) {
        kf_slice wrong = check_case(file, &file->cases[i], fn);
        if (wrong.ptr == NULL)
            out->passed++;
        else if (miss != NULL)
            miss(ctx, file->cases[i].name, wrong);
    }
}

kf_err selftest_vectors_file(const char *path, selftest_miss *miss, void *ctx, selftest_count *out,
                             kf_fault *fault)
{
    const char *slash = strrchr(path, '/');
    check_fn *fn = fn_of(slash == NULL ? path : slash + 1);
    vectors_file file;

    *out = (selftest_count){ 0, 0 };
    *fault = (kf_fault){ KF_OK, 0, NULL };
    if (fn == NULL)
        return kf_fault_set(fault, KF_E_UNSUPPORTED, 0, "file");
    kf_err err = vectors_load(path, &file, fault);
    if (err != KF_OK)
        return err;
    run_cases(&file, fn, miss, ctx, out);
    vectors_clear(&file);
    return out->total > 0 ? KF_OK : kf_fault_set(fault, KF_E_MALFORMED, 0, "file");
}

kf_err selftest_builtin(selftest_group *group, selftest_miss *miss, void *ctx)
{
    kf_err result = KF_OK;
    for (size_t i = 0; i < selftest_builtin_count; i++) {
        vectors_file file;
        kf_fault fault;
        selftest_count count = { 0, 0 };
        if (vectors_parse(kf_slice_str(selftest_builtin_texts[i].text), &file, &fault) == KF_OK) {
            run_cases(&file, fn_of(selftest_builtin_texts[i].file), miss, ctx, &count);
            vectors_clear(&file);
        }
        if (count.total == 0 || count.passed != count.total)
            result = KF_E_BACKEND;
        if (group != NULL)
            group(ctx, selftest_builtin_texts[i].name, &count);
    }
    return result;
}
