/** @file shared.h The tables that all KMS share, made once in a process. */
#ifndef SAKKE_SHARED_H
#define SAKKE_SHARED_H

#include "sakke/comb.h"

/** Multiples of P and powers of g. */
typedef struct sakke_shared {
    sakke_comb p;
    sakke_power_comb g;
    sakke_fp g_value;
} sakke_shared;

/** The tables, made by the first caller; never freed. Thread safe. @return KF_E_NO_MEMORY. */
KF_MUST_USE kf_err sakke_shared_get(const sakke_shared **out);

#endif
