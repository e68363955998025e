/* The states of a token, in words. */
#include "base/text.h"
#include "seal/token.h"

static const struct {
    const char *name, *remedy;
} states[] = {
    [SEAL_TOKEN_UNKNOWN] = { "unknown", "nothing yet: it has not been asked" },
    [SEAL_TOKEN_READY] = { "ready", "nothing: it works" },
    [SEAL_TOKEN_ABSENT] = { "absent", "put the token in, and check the path of the module and the "
                                      "label of the token" },
    [SEAL_TOKEN_SLOW] = { "slow", "check the token and its reader or network; its process was "
                                  "ended and is made anew at the next call" },
    [SEAL_TOKEN_LOGGED_OUT] = { "logged-out", "nothing: the next call logs in again; if it stays, "
                                              "check who else uses the token" },
    [SEAL_TOKEN_PIN_WRONG] = { "pin-wrong", "put the right PIN in the PIN file, readable by the "
                                            "vault's user only; the wrong one is not tried "
                                            "again" },
    [SEAL_TOKEN_PIN_LOCKED] = { "pin-locked", "the token's security officer must set a new PIN; "
                                              "then put it in the PIN file" },
    [SEAL_TOKEN_NO_KEY] = { "no-key", "make the key in the token, or check its label; a new key "
                                      "does not open an old slot" },
    [SEAL_TOKEN_CRASHED] = { "crashed", "the module ended its process, which is made anew at the "
                                        "next call; if it stays, update the module" },
    [SEAL_TOKEN_REFUSED] = { "refused", "check that the token may make and use AES-256 keys for "
                                        "wrapping; some want the key made with their own tool" },
};

const char *seal_token_state_name(seal_token_state state)
{
    return (size_t)state < KF_COUNT(states) ? states[state].name : NULL;
}

const char *seal_token_state_remedy(seal_token_state state)
{
    return (size_t)state < KF_COUNT(states) ? states[state].remedy : NULL;
}

static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

kf_err seal_token_uri(const char *token_label, kf_writer *out)
{
    kf_slice label = kf_slice_str(token_label);
    kf_write_slice(out, kf_slice_str("pkcs11:token="));
    for (size_t i = 0; i < label.len; i++) {
        if (is_unreserved(label.ptr[i])) {
            kf_write_u8(out, label.ptr[i]);
        } else {
            kf_write_u8(out, '%');
            kf_hex_write(out, kf_slice_part(label, i, 1));
        }
    }
    return out->err;
}
