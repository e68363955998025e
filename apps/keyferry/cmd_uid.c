#include "base/text.h"
#include "cli.h"
#include "keyring.h"
#include "mcsec/uid.h"

cli_status run_uid(const cli_call *call)
{
    uint8_t uid[MCSEC_UID_OCTETS], hex[2 * MCSEC_UID_OCTETS];
    kf_writer w = kf_writer_init(hex, sizeof hex);
    const mcsec_period period = { cli_number(call, "period-length", 0),
                                  cli_number(call, "period-offset", 0) };
    if (!mcsec_period_is_valid(period))
        return cli_misuse(call, "period-length", "these are not key periods",
                          "the length must be 1 or more and the offset less than it", NULL);
    uint64_t n = cli_number(call, "period-no", mcsec_period_number(period, keyring_now()));
    kf_err err = mcsec_uid(cli_slice(call, "user"), cli_slice(call, "kms"), period, n, uid);
    if (err == KF_E_MALFORMED)
        return cli_misuse(call, "user", "no UID of this user and KMS",
                          "a URI has 1 to 65,535 octets", NULL);
    if (err != KF_OK)
        return cli_give_up(call, NULL, err);
    kf_hex_write(&w, KF_SLICE_OF(uid));
    if (!call->out->json) {
        fprintf(call->out->data, "%.*s\n", (int)w.len, (const char *)hex);
        return CLI_DONE;
    }
    bool ok =
        out_json(call->out, json_pack("{s:s%, s:o, s:o, s:I, s:I, s:I}", "uid", (const char *)hex,
                                      w.len, "user", out_json_text(cli_slice(call, "user")), "kms",
                                      out_json_text(cli_slice(call, "kms")), "period_length",
                                      (json_int_t)period.length_s, "period_offset",
                                      (json_int_t)period.offset_s, "period_no", (json_int_t)n));
    return ok ? CLI_DONE : CLI_REFUSED;
}
