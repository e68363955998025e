/*
 * A PKCS#11 module for tests: SoftHSM2, but on demand it fails as tokens in the field do.
 *
 * The variable PKCS11_MODULE_CONF names its control file: lines of a function and what it does,
 *
 *  C_UnwrapKey hang        never answers
 *  C_UnwrapKey crash       ends the process in the middle of the call
 *  C_Login 0xa4            returns that CK_RV instead of calling SoftHSM2
 *  C_Login 0xa4 once       and takes the whole file away
 *  C_GetSessionInfo public says that nobody is logged in, as after a reset of a card
 *
 * Each call appends "function milliseconds" to that file's name with ".log": that is how tests know
 * what was not tried, and when something was.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST ours, *inner;

typedef struct fault {
    char what[32];
    bool once;
} fault;

static void take_note(const char *control, const char *function)
{
    char path[256], line[96];
    struct timespec t = { 0, 0 };
    clock_gettime(CLOCK_MONOTONIC, &t);
    snprintf(path, sizeof path, "%s.log", control);
    int len = snprintf(line, sizeof line, "%s %lld\n", function,
                       (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, (size_t)len) != len)
        abort();
    close(fd);
}

/* What is ordered for this function? */
static bool look_up(const char *control, const char *function, fault *out)
{
    char line[128], name[64], once[8];
    bool found = false;
    FILE *f = fopen(control, "re");
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
        int n = sscanf(line, "%63s %31s %7s", name, out->what, once);
        found = n >= 2 && strcmp(name, function) == 0;
        out->once = n == 3;
    }
    if (f != NULL)
        fclose(f);
    return found;
}

/* Do what is ordered. @return true when *rv is the outcome and SoftHSM2 is not to be asked. */
static bool act(const char *function, CK_RV *rv)
{
    fault order;
    const char *control = getenv("PKCS11_MODULE_CONF");
    if (control == NULL)
        return false;
    take_note(control, function);
    if (!look_up(control, function, &order))
        return false;
    if (order.once)
        unlink(control);
    while (strcmp(order.what, "hang") == 0)
        pause();
    if (strcmp(order.what, "crash") == 0)
        *(volatile int *)NULL = 0;
    *rv = strtoul(order.what, NULL, 16);
    return *rv != CKR_OK;
}

#define FAULTY(name, parameters, arguments)                                                        \
    static CK_RV my_##name parameters                                                              \
    {                                                                                              \
        CK_RV rv = CKR_OK;                                                                         \
        return act(#name, &rv) ? rv : inner->name arguments;                                       \
    }

FAULTY(C_Initialize, (void *a), (a))
FAULTY(C_GetSlotList, (CK_BBOOL p, CK_SLOT_ID *l, CK_ULONG *n), (p, l, n))
FAULTY(C_GetTokenInfo, (CK_SLOT_ID s, CK_TOKEN_INFO *i), (s, i))
FAULTY(C_OpenSession, (CK_SLOT_ID s, CK_FLAGS f, void *a, CK_NOTIFY n, CK_SESSION_HANDLE *h),
       (s, f, a, n, h))
FAULTY(C_Login, (CK_SESSION_HANDLE h, CK_USER_TYPE u, CK_UTF8CHAR *p, CK_ULONG n), (h, u, p, n))
FAULTY(C_FindObjectsInit, (CK_SESSION_HANDLE h, CK_ATTRIBUTE *a, CK_ULONG n), (h, a, n))
FAULTY(C_GenerateKey,
       (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *o),
       (h, m, a, n, o))
FAULTY(C_WrapKey,
       (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE w, CK_OBJECT_HANDLE k, CK_BYTE *o,
        CK_ULONG *n),
       (h, m, w, k, o, n))
FAULTY(C_UnwrapKey,
       (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE w, CK_BYTE *i, CK_ULONG n,
        CK_ATTRIBUTE *a, CK_ULONG c, CK_OBJECT_HANDLE *o),
       (h, m, w, i, n, a, c, o))

static CK_RV my_C_GetSessionInfo(CK_SESSION_HANDLE h, CK_SESSION_INFO *info)
{
    fault order;
    CK_RV rv = CKR_OK;
    const char *control = getenv("PKCS11_MODULE_CONF");
    bool is_public = control != NULL && look_up(control, "C_GetSessionInfo", &order) &&
                     strcmp(order.what, "public") == 0;
    if (act("C_GetSessionInfo", &rv))
        return rv;
    rv = inner->C_GetSessionInfo(h, info);
    if (is_public)
        info->state = CKS_RW_PUBLIC_SESSION;
    return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out)
{
    union {
        void *found;
        CK_RV (*get)(CK_FUNCTION_LIST **);
    } softhsm = { NULL };
    const char *path = "/usr/lib/softhsm/libsofthsm2.so";
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL || (softhsm.found = dlsym(library, "C_GetFunctionList")) == NULL ||
        softhsm.get(&inner) != CKR_OK)
        return CKR_GENERAL_ERROR;
    ours = *inner;
    ours.C_GetFunctionList = C_GetFunctionList;
    ours.C_Initialize = my_C_Initialize;
    ours.C_GetSlotList = my_C_GetSlotList;
    ours.C_GetTokenInfo = my_C_GetTokenInfo;
    ours.C_OpenSession = my_C_OpenSession;
    ours.C_Login = my_C_Login;
    ours.C_FindObjectsInit = my_C_FindObjectsInit;
    ours.C_GenerateKey = my_C_GenerateKey;
    ours.C_WrapKey = my_C_WrapKey;
    ours.C_UnwrapKey = my_C_UnwrapKey;
    ours.C_GetSessionInfo = my_C_GetSessionInfo;
    *out = &ours;
    return CKR_OK;
}
