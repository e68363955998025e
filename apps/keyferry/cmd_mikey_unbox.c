/* A client's side of `unit provision`: the box with its UKEK becomes a P25 key file. */
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "file.h"
#include "keyfill/box.h"
#include "keystore.h"
#include "mcdata/interworking.h"
#include "mcdata/protected_payload.h"
#include "p25/dli.h"
#include "p25/kmm.h"
#include "receiver.h"
#include "wire/record.h"

#define BOX_OCTETS_MAX 65536u

/* What comes out of each layer. */
typedef struct unboxed {
    mikey_opened opened;
    kf_secret *datagram;
    keyfill_file file;
    uint32_t rsi;
} unboxed;

static cli_status bad_box(const cli_call *call, const kf_fault *fault, const char *what)
{
    out_error e = out_error_fault(fault);
    out_what(&e, "%s", what);
    out_do(&e, "give a box as the vault's outbox gives it, and the keys of the client it is for");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status open_context(const cli_call *call, const receiver *r, kf_slice message,
                               unboxed *u)
{
    kf_fault fault;
    if (mikey_open_message(&r->mikey, message, &u->opened, &fault) != KF_OK)
        return receiver_refused(call, r, message, &fault);
    if (u->opened.key != NULL)
        return CLI_DONE;
    fault = (kf_fault){ KF_E_STATE, 0, "PARAMS.status" };
    return bad_box(call, &fault, "the context in the box is revoked or has expired");
}

/* The Protected Payload must be under the very context that came with it. */
static cli_status open_payload(const cli_call *call, kf_slice interworking, unboxed *u)
{
    mcdata_interworking data;
    mcdata_protected sealed;
    kf_fault fault;
    kf_err err = mcdata_interworking_parse(interworking, &data, &fault);
    if (err == KF_OK)
        err = mcdata_protected_parse(data.payload, &sealed, &fault);
    if (err == KF_OK && sealed.dppk_id != u->opened.key_id)
        err = kf_fault_set(&fault, KF_E_STATE, 0, "PROTECTED.dppk_id");
    if (err == KF_OK) {
        err = mcdata_protected_open(&sealed, u->opened.key, &u->datagram);
        if (err != KF_OK)
            kf_fault_set(&fault, err, 0, "PROTECTED.payload");
    }
    return err == KF_OK ? CLI_DONE : bad_box(call, &fault, "the payload in the box does not open");
}

static kf_err take_item(unboxed *u, const p25_modify_key *m, const p25_key_item *item)
{
    keyfill_entry entry = { .id = keyfill_file_next_entry_id(&u->file),
                            .keyset = m->keyset,
                            .sln = item->sln,
                            .kid = item->kid,
                            .algid = m->algid,
                            .kind = item->is_kek ? KEYFILL_KIND_KEK : KEYFILL_KIND_TEK,
                            .has_rsi = item->is_kek,
                            .rsi = u->rsi };
    static const char name[] = "provisioned";
    kf_err err =
        keyfill_name_set(&entry.name, (kf_slice){ (const uint8_t *)name, sizeof name - 1 });
    if (err == KF_OK)
        err = kf_secret_new_copy(item->key, &entry.material);
    return err == KF_OK ? keyfill_file_take_entry(&u->file, &entry) : err;
}

static cli_status read_keys(const cli_call *call, unboxed *u)
{
    p25_dli dli;
    kf_fault fault = { 0 };
    p25_kmm *kmm = calloc(1, sizeof *kmm);
    if (kmm == NULL)
        return cli_give_up(call, NULL, KF_E_NO_MEMORY);
    kf_err err = p25_dli_parse(kf_secret_view(u->datagram), NULL, &dli, &fault);
    if (err == KF_OK)
        err = p25_kmm_parse(dli.kmm, P25_SIDE_KEYFILL, NULL, kmm, &fault);
    if (err == KF_OK && (kmm->frame.message_id != P25_KMM_MODIFY_KEY_CMD || kmm->is_opaque ||
                         kmm->body.modify_key.decryption.algid != P25_ALGID_CLEAR))
        err = kf_fault_set(&fault, KF_E_UNSUPPORTED, 0, "KMM.message_id");
    u->rsi = kmm->frame.destination_rsi;
    for (size_t i = 0; err == KF_OK && i < kmm->body.modify_key.item_count; i++)
        err = take_item(u, &kmm->body.modify_key, &kmm->body.modify_key.items[i]);
    free(kmm); /* keys in it are slices of the datagram */
    return err == KF_OK ? CLI_DONE : bad_box(call, &fault, "the box holds no key fill message");
}

static cli_status write_keys(const cli_call *call, const unboxed *u)
{
    kf_secret *passphrase = NULL;
    const size_t room = keyfill_box_octets(&u->file);
    uint8_t *octets = malloc(room);
    if (octets == NULL)
        return cli_give_up(call, "out", KF_E_NO_MEMORY);
    kf_writer w = kf_writer_init(octets, room);
    cli_status status = file_passphrase(call, true, &passphrase);
    if (status == CLI_DONE) {
        kf_err err = keyfill_box_seal(&u->file, kf_secret_view(passphrase), KF_SCRYPT_DEFAULT,
                                      kf_random(), &w);
        status = err == KF_OK ? file_write(call, "out", cli_text(call, "out"), kf_writer_slice(&w),
                                           FILE_KEEP)
                              : cli_give_up(call, "out", err);
    }
    kf_secret_free(&passphrase);
    free(octets);
    return status;
}

static cli_status tell(const cli_call *call, const unboxed *u)
{
    if (call->out->json)
        return out_json(call->out, json_pack("{s:s, s:i, s:i}", "out", cli_text(call, "out"), "rsi",
                                             (int)u->rsi, "keys", (int)u->file.entry_count))
                   ? CLI_DONE
                   : CLI_REFUSED;
    out_say(call->out, "wrote %s: %zu key of RSI %u", cli_text(call, "out"), u->file.entry_count,
            (unsigned)u->rsi);
    return CLI_DONE;
}

static cli_status unbox(const cli_call *call, const receiver *r, kf_slice octets)
{
    wire_tree *tree = NULL;
    kf_fault fault;
    unboxed u = { .datagram = NULL };
    if (wire_tree_parse(octets, &tree, &fault) != KF_OK)
        return bad_box(call, &fault, "the file is no box");
    const wire_value *map = wire_tree_root(tree);
    cli_status status = open_context(call, r, wire_get_octets(map, "mikey"), &u);
    if (status == CLI_DONE)
        status = open_payload(call, wire_get_octets(map, "interworking"), &u);
    if (status == CLI_DONE)
        status = read_keys(call, &u);
    if (status == CLI_DONE)
        status = write_keys(call, &u);
    if (status == CLI_DONE)
        status = tell(call, &u);
    keyfill_file_clear(&u.file);
    kf_secret_free(&u.datagram);
    mikey_opened_clear(&u.opened);
    wire_tree_free(&tree);
    return status;
}

cli_status run_mikey_unbox(const cli_call *call)
{
    receiver r;
    kf_secret *octets = NULL;
    cli_status status = receiver_init(call, &r);
    if (status == CLI_DONE)
        status = file_check_free(call, "out", cli_text(call, "out"));
    if (status == CLI_DONE)
        status = file_read(call, "BOX", cli_argument_at(call, 0), BOX_OCTETS_MAX, &octets);
    if (status == CLI_DONE)
        status = unbox(call, &r, kf_secret_view(octets));
    kf_secret_free(&octets);
    receiver_clear(&r);
    return status;
}
