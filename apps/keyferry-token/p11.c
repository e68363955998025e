#include "p11.h"

#include <string.h>

#include "pin.h"

#define SLOTS_MAX 64u

seal_token_state p11_state(const p11 *p)
{
    switch (p->rv) {
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_DEVICE_REMOVED:
    case CKR_SLOT_ID_INVALID:
        return SEAL_TOKEN_ABSENT;
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_SESSION_CLOSED:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_CRYPTOKI_NOT_INITIALIZED:
    case CKR_KEY_HANDLE_INVALID:
    case CKR_OBJECT_HANDLE_INVALID:
    case CKR_DEVICE_ERROR:
        return SEAL_TOKEN_LOGGED_OUT;
    case CKR_PIN_LOCKED:
        return SEAL_TOKEN_PIN_LOCKED;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_EXPIRED:
        return SEAL_TOKEN_PIN_WRONG;
    default:
        return SEAL_TOKEN_REFUSED;
    }
}

static bool load(p11 *p)
{
    if (p->modules != NULL)
        return true;
    p->rv = CKR_OK;
    if (p->options.module == NULL) {
        p->modules = p11_kit_modules_load_and_initialize(0);
        return p->modules != NULL;
    }
    CK_FUNCTION_LIST *m = p11_kit_module_load(p->options.module, 0);
    if (m == NULL)
        return false;
    p->rv = p11_kit_module_initialize(m);
    if (p->rv != CKR_OK) {
        p11_kit_module_release(m);
        return false;
    }
    p->one[0] = m;
    p->one[1] = NULL;
    p->modules = p->one;
    return true;
}

void p11_unload(p11 *p)
{
    if (p->f != NULL)
        (void)p->f->C_CloseSession(p->session); /* logs out too: it is the only session */
    p->f = NULL;
    if (p->modules == p->one && p->one[0] != NULL) {
        (void)p11_kit_module_finalize(p->one[0]);
        p11_kit_module_release(p->one[0]);
    } else if (p->modules != NULL) {
        p11_kit_modules_finalize_and_release(p->modules);
    }
    p->modules = NULL;
}

static bool is_ours(const p11 *p, const CK_TOKEN_INFO *info)
{
    size_t len = p11_kit_space_strlen(info->label, sizeof info->label);
    return kf_slice_equal((kf_slice){ info->label, len }, kf_slice_str(p->options.token));
}

/* How many tokens of that label a module has; the last one found goes to p. */
static unsigned find_in(p11 *p, CK_FUNCTION_LIST *f, CK_TOKEN_INFO *found)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = 0;
    unsigned hits = 0;

    p->rv = f->C_GetSlotList(CK_TRUE, NULL, &count); /* also makes the module look again */
    if (p->rv != CKR_OK)
        return 0;
    count = SLOTS_MAX;
    p->rv = f->C_GetSlotList(CK_TRUE, slots, &count);
    if (p->rv != CKR_OK)
        return 0;
    for (CK_ULONG i = 0; i < count && i < SLOTS_MAX; i++) {
        CK_TOKEN_INFO info;
        if (f->C_GetTokenInfo(slots[i], &info) != CKR_OK || !is_ours(p, &info))
            continue;
        *found = info;
        p->slot = slots[i];
        hits++;
    }
    return hits;
}

/* Our token, and only one of that label: the PIN must not go to a stranger. */
static CK_FUNCTION_LIST *find_token(p11 *p, CK_TOKEN_INFO *info)
{
    CK_FUNCTION_LIST *f = NULL;
    unsigned hits = 0;
    for (size_t i = 0; p->modules[i] != NULL; i++) {
        unsigned here = find_in(p, p->modules[i], info);
        if (here > 0)
            f = p->modules[i];
        hits += here;
    }
    return hits == 1 ? f : NULL;
}

/* Remember the PIN that the token did not take, so that no later broker tries it again. */
static seal_token_state refused(p11 *p, CK_FUNCTION_LIST *f, const kf_secret *pin)
{
    CK_TOKEN_INFO info;
    token_refusal kind = TOKEN_REFUSAL_WRONG;
    seal_token_state state = p11_state(p);

    if (state != SEAL_TOKEN_PIN_WRONG && state != SEAL_TOKEN_PIN_LOCKED)
        return state;
    if (state == SEAL_TOKEN_PIN_LOCKED)
        kind = TOKEN_REFUSAL_LOCKED;
    if (f->C_GetTokenInfo(p->slot, &info) == CKR_OK && (info.flags & CKF_USER_PIN_LOCKED) != 0)
        kind = TOKEN_REFUSAL_FLAGGED;
    p->refusal_len = pin_remember(kind, pin, p->refusal) == KF_OK ? sizeof p->refusal : 0;
    return kind == TOKEN_REFUSAL_WRONG ? SEAL_TOKEN_PIN_WRONG : SEAL_TOKEN_PIN_LOCKED;
}

/* May this PIN be tried? READY for yes. */
static seal_token_state may_try(p11 *p, const CK_TOKEN_INFO *info, const kf_secret *pin)
{
    if ((info->flags & CKF_USER_PIN_LOCKED) != 0)
        return SEAL_TOKEN_PIN_LOCKED;
    if (p->refusal_len == 0 || p->refusal[0] == TOKEN_REFUSAL_FLAGGED)
        return SEAL_TOKEN_READY; /* no refusal, or the security officer has unlocked it */
    if (!pin_is_refused(p->refusal, pin))
        return SEAL_TOKEN_READY;
    return p->refusal[0] == TOKEN_REFUSAL_WRONG ? SEAL_TOKEN_PIN_WRONG : SEAL_TOKEN_PIN_LOCKED;
}

static seal_token_state give_pin(p11 *p, CK_FUNCTION_LIST *f, const CK_TOKEN_INFO *info)
{
    kf_secret *pin = NULL;

    if (pin_read(p->options.pin_file, &pin) != KF_OK)
        return SEAL_TOKEN_PIN_WRONG;
    seal_token_state state = may_try(p, info, pin);
    if (state == SEAL_TOKEN_READY) {
        p->rv = f->C_Login(p->session, CKU_USER, kf_secret_edit(pin), kf_secret_len(pin));
        if (p->rv == CKR_OK || p->rv == CKR_USER_ALREADY_LOGGED_IN)
            p->refusal_len = 0;
        else
            state = refused(p, f, pin);
    }
    kf_secret_free(&pin);
    return state;
}

static bool is_logged_in(const CK_SESSION_INFO *session)
{
    return session->state == CKS_RW_USER_FUNCTIONS || session->state == CKS_RO_USER_FUNCTIONS;
}

seal_token_state p11_login(p11 *p)
{
    CK_TOKEN_INFO info;
    CK_SESSION_INFO session;

    if (p->f != NULL) {
        p->rv = p->f->C_GetSessionInfo(p->session, &session);
        if (p->rv == CKR_OK)
            p->rv = p->f->C_GetTokenInfo(p->slot, &info);
        if (p->rv == CKR_OK && (info.flags & CKF_LOGIN_REQUIRED) != 0 && !is_logged_in(&session))
            p->rv = CKR_USER_NOT_LOGGED_IN; /* a reset leaves the session, and nobody in it */
        return p->rv == CKR_OK ? SEAL_TOKEN_READY : p11_state(p);
    }
    if (!load(p))
        return SEAL_TOKEN_ABSENT;
    CK_FUNCTION_LIST *f = find_token(p, &info);
    if (f == NULL)
        return SEAL_TOKEN_ABSENT;
    p->rv = f->C_OpenSession(p->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &p->session);
    if (p->rv != CKR_OK)
        return p11_state(p);
    seal_token_state state = SEAL_TOKEN_READY;
    if ((info.flags & CKF_LOGIN_REQUIRED) != 0)
        state = give_pin(p, f, &info);
    if (state == SEAL_TOKEN_READY)
        p->f = f;
    else
        (void)f->C_CloseSession(p->session);
    return state;
}

/* A key that can be read out of the token is no custody. */
static bool stays_inside(p11 *p, CK_OBJECT_HANDLE key)
{
    CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE;
    CK_ATTRIBUTE facts[] = {
        { CKA_SENSITIVE, &sensitive, sizeof sensitive },
        { CKA_EXTRACTABLE, &extractable, sizeof extractable },
    };
    p->rv = p->f->C_GetAttributeValue(p->session, key, facts, KF_COUNT(facts));
    return p->rv == CKR_OK && sensitive && !extractable;
}

seal_token_state p11_key(p11 *p, CK_OBJECT_HANDLE *key)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_OBJECT_HANDLE found[2] = { 0, 0 };
    CK_ULONG count = 0;
    char label[256];
    size_t len = strnlen(p->options.key, sizeof label);

    memcpy(label, p->options.key, len);
    CK_ATTRIBUTE what[] = {
        { CKA_CLASS, &class, sizeof class },
        { CKA_KEY_TYPE, &type, sizeof type },
        { CKA_LABEL, label, len },
    };
    p->rv = p->f->C_FindObjectsInit(p->session, what, KF_COUNT(what));
    if (p->rv != CKR_OK)
        return p11_state(p);
    p->rv = p->f->C_FindObjects(p->session, found, KF_COUNT(found), &count);
    (void)p->f->C_FindObjectsFinal(p->session);
    if (p->rv != CKR_OK)
        return p11_state(p);
    if (count == 0)
        return SEAL_TOKEN_NO_KEY;
    *key = found[0];
    if (count == 1 && stays_inside(p, *key))
        return SEAL_TOKEN_READY;
    return p->rv == CKR_OK ? SEAL_TOKEN_REFUSED : p11_state(p);
}
