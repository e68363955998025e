/** @file sealing.h What other nouns need of the sealing of boxes. */
#ifndef VAULT_SEALING_H
#define VAULT_SEALING_H

#include "vault/parts.h"

/** The RSI of the vault as a KMF. */
uint32_t vault_kmf_rsi(const vault *v);

/** A step of OTAR with a unit: read what it sent (or nothing), queue what it is to be sent. */
struct vault_unit;
kf_err vault_otar_step(vault_act *act, const struct vault_unit *unit, kf_slice datagram);

#endif
