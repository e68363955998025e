/** @file p11.h One token: its module, session and login, and our key in it. */
#ifndef KEYFERRY_TOKEN_P11_H
#define KEYFERRY_TOKEN_P11_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include "base/slice.h"
#include "seal/token_message.h"

typedef struct p11_options {
    const char *module; /**< NULL: those that p11-kit is configured with */
    const char *token, *key, *pin_file;
} p11_options;

typedef struct p11 {
    p11_options options;
    CK_FUNCTION_LIST **modules; /**< as loaded, ends in NULL; NULL: nothing is loaded */
    CK_FUNCTION_LIST *one[2];   /**< storage of modules when the path is given */
    CK_FUNCTION_LIST *f;        /**< of the token; NULL: no session */
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    CK_RV rv; /**< of the last call into the module */
    uint8_t refusal[TOKEN_REFUSAL_OCTETS];
    size_t refusal_len;
} p11;

/** Bring everything up that is not up: module, token, session, login. @return READY, or why not. */
seal_token_state p11_login(p11 *p);

/** Find our key. @return READY; NO_KEY; REFUSED for one that could leave the token, or for two. */
seal_token_state p11_key(p11 *p, CK_OBJECT_HANDLE *key);

/** Close the session and let go of the module: the next login starts from nothing. */
void p11_unload(p11 *p);

/** What p->rv says of the token. */
seal_token_state p11_state(const p11 *p);

#endif
