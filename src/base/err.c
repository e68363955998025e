#include "base/err.h"

kf_err kf_fault_set(kf_fault *fault, kf_err code, size_t at, const char *field)
{
    if (fault->code == KF_OK)
        *fault = (kf_fault){ code, at, field };
    return fault->code;
}

const char *kf_err_name(kf_err code)
{
    switch (code) {
    case KF_OK:
        return "ok";
    case KF_E_TRUNCATED:
        return "truncated";
    case KF_E_TRAILING:
        return "trailing";
    case KF_E_MALFORMED:
        return "malformed";
    case KF_E_UNSUPPORTED:
        return "unsupported";
    case KF_E_NO_SPACE:
        return "no-space";
    case KF_E_STATE:
        return "state";
    case KF_E_AUTH:
        return "auth";
    case KF_E_DENIED:
        return "denied";
    case KF_E_NO_MEMORY:
        return "no-memory";
    case KF_E_BACKEND:
        return "backend";
    }
    return "unknown";
}

const char *kf_err_text(kf_err code)
{
    switch (code) {
    case KF_OK:
        return "no error";
    case KF_E_TRUNCATED:
        return "the input ends inside a field";
    case KF_E_TRAILING:
        return "octets remain after the last field";
    case KF_E_MALFORMED:
        return "a value is not one the standard allows here";
    case KF_E_UNSUPPORTED:
        return "well formed, but not something this program handles";
    case KF_E_NO_SPACE:
        return "the result does not fit";
    case KF_E_STATE:
        return "not allowed at this moment";
    case KF_E_AUTH:
        return "it did not verify";
    case KF_E_DENIED:
        return "policy does not allow it";
    case KF_E_NO_MEMORY:
        return "out of memory, or memory cannot be locked (see ulimit -l)";
    case KF_E_BACKEND:
        return "a library or the operating system failed";
    }
    return "unknown error";
}
