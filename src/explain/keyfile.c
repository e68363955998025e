/* Key files: KFDtool's container and the content of our own. Keys are never shown. */
#include <stdio.h>

#include "crypto/container.h"
#include "explain/escape.h"
#include "explain/run.h"
#include "keyfill/box.h"
#include "keyfill/check.h"
#include "keyfill/ekc.h"

#define NAME_SHOWN     60u
#define ENTRIES_SHOWN  64u
#define FINDINGS_SHOWN 64u

static int shown_name(const keyfill_entry *e, char name[NAME_SHOWN])
{
    kf_writer w = kf_writer_init((uint8_t *)name, NAME_SHOWN);
    explain_escape(keyfill_name_view(&e->name), NAME_SHOWN, &w);
    return (int)w.len;
}

static void say_entry(run *r, size_t i, const keyfill_entry *e)
{
    char name[NAME_SHOWN], keyset[24], rsi[24] = "";
    const char *algorithm = p25_algid_name(e->algid);
    int len = shown_name(e, name);
    snprintf(keyset, sizeof keyset, e->is_active ? "active keyset" : "keyset %u",
             (unsigned)e->keyset);
    if (e->has_rsi)
        snprintf(rsi, sizeof rsi, ", RSI %u", (unsigned)e->rsi);
    run_note(r, "key %zu \"%.*s\": %s, SLN %u, key ID %04X, ALGID %02X (%s), %s%s; not shown",
             i + 1, len, name, keyset, (unsigned)e->sln, (unsigned)e->kid, (unsigned)e->algid,
             algorithm == NULL ? "not known" : algorithm, keyfill_entry_is_kek(e) ? "KEK" : "TEK",
             rsi);
}

static void say_finding(run *r, const keyfill_file *file, const keyfill_finding *f)
{
    char name[NAME_SHOWN];
    const char *severity =
        keyfill_problem_severity(f->problem) == KEYFILL_REFUSE ? "refused" : "warning";
    if (f->entry < file->entry_count)
        run_note(r, "%s, key %zu \"%.*s\": %s", severity, f->entry + 1,
                 shown_name(&file->entries[f->entry], name), name,
                 keyfill_problem_text(f->problem));
    else
        run_note(r, "%s: %s", severity, keyfill_problem_text(f->problem));
}

/* What the checks say of it, after what reading said. */
static kf_err say_findings(run *r, const keyfill_file *file, keyfill_findings *findings)
{
    if (keyfill_check(file, findings) != KF_OK)
        return kf_fault_set(r->fault, KF_E_NO_MEMORY, 0, "keyfile");
    for (size_t i = 0; i < findings->count && i < FINDINGS_SHOWN; i++)
        say_finding(r, file, &findings->items[i]);
    if (findings->count > FINDINGS_SHOWN)
        run_note(r, "%zu more findings; see: keyferry keys check",
                 findings->count - FINDINGS_SHOWN);
    return KF_OK;
}

kf_err run_key_file(run *r, kf_slice sealed)
{
    kf_secret *content = NULL;
    keyfill_file file = { .entry_count = 0 };
    keyfill_findings findings = { .count = 0 };
    kf_err err = kf_container_open(KF_CONTAINER_KEY_FILE, r->options->passphrase, sealed, &content,
                                   r->fault);
    if (err == KF_OK) {
        run_layer(r, "Keys and groups", "keyfill/box.h", 1, 0, true, kf_secret_view(content));
        kf_reader reader = run_listen(r, kf_secret_view(content));
        keyfill_box_decode(&reader, &file);
        err = kf_reader_end(&reader, "keyfile");
    }
    if (err == KF_OK)
        err = say_findings(r, &file, &findings);
    keyfill_findings_clear(&findings);
    keyfill_file_clear(&file);
    kf_secret_free(&content);
    return err;
}

static kf_err say_ekc_keys(run *r, kf_slice octets)
{
    keyfill_file file;
    keyfill_findings findings = { .count = 0 };
    kf_err err = keyfill_ekc_read(octets, r->options->passphrase, KEYFILL_EKC_ITERATIONS_MAX, &file,
                                  &findings, r->fault);
    for (size_t i = 0; i < file.entry_count && i < ENTRIES_SHOWN; i++)
        say_entry(r, i, &file.entries[i]);
    if (file.entry_count > ENTRIES_SHOWN)
        run_note(r, "%zu more keys; see: keyferry keys check", file.entry_count - ENTRIES_SHOWN);
    if (err == KF_OK)
        err = say_findings(r, &file, &findings);
    keyfill_findings_clear(&findings);
    keyfill_file_clear(&file);
    return err;
}

kf_err run_ekc(run *r, kf_slice octets)
{
    keyfill_ekc_outer outer;
    run_layer(r, "KFDtool key container (.ekc)", "keyfill/ekc.h", 0, 0, false, octets);
    kf_reader reader = run_listen(r, octets);
    (void)kf_read_slice(&reader, 4, "ekc.length");
    (void)kf_read_rest(&reader, "ekc.gzip");
    if (!kf_reader_ok(&reader))
        return r->fault->code;
    kf_err err = keyfill_ekc_read_outer(octets, &outer, r->fault);
    if (err != KF_OK)
        return err;
    run_note(r,
             "version 1.%llu; the key comes from the password by %s, HMAC with %s, %u "
             "iterations, a salt of %zu octets",
             (unsigned long long)outer.minor, outer.kdf, outer.hash, (unsigned)outer.iterations,
             outer.salt_octets);
    run_note(r, "keys inside are encrypted with %s, %zu octets with the IV", outer.cipher,
             outer.sealed_octets);
    run_note(r, "nothing protects the file against alteration: whoever can write to it can "
                "change keys without the password");
    return r->options->passphrase.len == 0 ? KF_OK : say_ekc_keys(r, octets);
}
