#include <string.h>

#include "base/text.h"
#include "cli.h"
#include "keyfile.h"
#include "mcsec/keyid.h"
#include "srtp.h"

/* spec: TS 33.180 table E.1.3-1 - MCPTT group call, private call (initiator), floor control */
static const uint8_t default_cs_id[] = { [MCSEC_GMK] = 4, [MCSEC_PCK] = 0, [MCSEC_CSK] = 6 };

/* What the CSB ID of the derivation is: the sender's GUK-ID, or the key identifier. */
static cli_status csb_id(const cli_call *call, const keyfile *f, uint32_t *out)
{
    kf_slice sender = cli_slice(call, "sender");
    *out = f->key_id;
    if (!mcsec_purpose_is_diverse(f->purpose))
        return CLI_DONE;
    if (sender.len == 0)
        return cli_misuse(call, "sender", "whose SRTP keys?",
                          "under a GMK every sender has keys of its own", "add --sender URI");
    kf_err err = mcsec_ukid(f->key, sender, f->key_id, out);
    return err == KF_OK ? CLI_DONE : cli_give_up(call, "sender", err);
}

static cli_status rand_of(const cli_call *call, keyfile *f)
{
    const char *text = cli_text(call, "rand");
    kf_writer w = kf_writer_init(f->rand, sizeof f->rand);
    if (text != NULL) {
        if (kf_hex_read(kf_slice_str(text), &w) != KF_OK || w.len < 16)
            return cli_misuse(call, "rand", "this is not a RAND",
                              "it is the hex of 16 to 255 octets", NULL);
        f->rand_len = w.len;
    }
    if (f->rand_len == 0)
        return cli_misuse(call, "rand", "RAND is not known", "--key-file does not hold it",
                          "add --rand HEX, from the I_MESSAGE");
    return CLI_DONE;
}

static cli_status tell(const cli_call *call, const keyfile *f, const srtp_keys *keys)
{
    bool reveal = cli_flag(call, "reveal");
    if (call->out->json)
        return out_json(call->out,
                        json_pack("{s:s, s:o, s:o, s:o}", "kind", keyfile_kind_name(f->purpose),
                                  "key_id", json_sprintf("%08x", (unsigned)f->key_id), "sender",
                                  cli_given(call, "sender")
                                      ? out_json_text(cli_slice(call, "sender"))
                                      : json_null(),
                                  "srtp", srtp_keys_json(keys, reveal)))
                   ? CLI_DONE
                   : CLI_REFUSED;
    out_line(call->out, "kind", "%s", keyfile_kind_name(f->purpose));
    out_line(call->out, "key id", "%08x", (unsigned)f->key_id);
    if (cli_given(call, "sender"))
        out_line(call->out, "sender", "%s", cli_text(call, "sender"));
    srtp_keys_print(call->out, keys, reveal);
    return CLI_DONE;
}

static cli_status derive(const cli_call *call, keyfile *f)
{
    srtp_keys keys = { .key = NULL };
    uint32_t csb = 0;
    uint64_t cs = 0;

    if (!f->complete)
        return cli_misuse(call, "key-file", "the file holds a raw key",
                          "its kind and identifier are needed",
                          "give what --out of `mikey seal` or `mikey open` made");
    cs = cli_number(call, "cs-id", default_cs_id[f->purpose]);
    if (cs > UINT8_MAX)
        return cli_misuse(call, "cs-id", "there is no such crypto session", "a CS ID has one octet",
                          NULL);
    cli_status status = rand_of(call, f);
    if (status == CLI_DONE)
        status = csb_id(call, f, &csb);
    if (status != CLI_DONE)
        return status;
    kf_err err =
        srtp_keys_derive(f->key, csb, (uint8_t)cs, (kf_slice){ f->rand, f->rand_len }, &keys);
    status = err == KF_OK ? tell(call, f, &keys) : cli_give_up(call, NULL, err);
    srtp_keys_clear(&keys);
    return status;
}

cli_status run_mikey_srtp(const cli_call *call)
{
    keyfile f;
    cli_status status = keyfile_read(call, "key-file", cli_text(call, "key-file"), &f);
    if (status != CLI_DONE)
        return status;
    status = derive(call, &f);
    keyfile_clear(&f);
    return status;
}
