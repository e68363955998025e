#include "mikey/mikey.h"

/* In the order of the bits of mikey_compat. */
static const char *const names[] = { "sign-no-header", "hex-id", "streamwide-legacy", "ssv256-l2" };

const char *mikey_compat_name(unsigned i)
{
    return i < KF_COUNT(names) ? names[i] : NULL;
}

unsigned mikey_compat_by_name(kf_slice name)
{
    for (unsigned i = 0; i < KF_COUNT(names); i++)
        if (kf_slice_equal(name, kf_slice_str(names[i])))
            return 1u << i;
    return 0;
}

const char *mikey_key_state_name(mikey_key_state state)
{
    switch (state) {
    case MIKEY_KEY_USABLE:
        return "usable";
    case MIKEY_KEY_NOT_YET:
        return "not-yet-active";
    case MIKEY_KEY_EXPIRED:
        return "expired";
    case MIKEY_KEY_REVOKED:
        return "revoked";
    }
    return "unknown";
}
