/** @file profile.h Inside this room: crypto sessions and default policies by purpose. */
#ifndef MIKEY_PROFILE_H
#define MIKEY_PROFILE_H

#include "mcsec/keyid.h"
#include "mikey/message.h"

#define PROFILE_SPI_MAX 8u

/** CS IDs of TS 33.180 table E.1.3-1. */
#define CS_ID_GROUP_MCPTT 4u
#define CS_ID_CSK_MCPTT   6u

/** Can an I_MESSAGE of ours carry this purpose? */
bool profile_exists(unsigned purpose);

/**
 * Fill in map, sessions and policy.
 * @param spi storage for the session's SPI (MKI), which m borrows.
 */
void profile_apply(mcsec_purpose purpose, uint32_t key_id, uint32_t csb_id,
                   uint8_t spi[PROFILE_SPI_MAX], mikey_message *m);

#endif
