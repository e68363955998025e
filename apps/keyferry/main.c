#include <malloc.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/secret.h"
#include "cli.h"

/* With --reveal a JSON document holds a key: nothing of it stays behind. */
static void wiping_free(void *p)
{
    if (p != NULL)
        kf_wipe(p, malloc_usable_size(p));
    free(p);
}

int main(int argc, char *argv[])
{
    kf_err hardened = kf_process_harden();
    json_set_alloc_funcs(malloc, wiping_free);
    if (hardened != KF_OK) {
        fprintf(stderr, "keyferry: refused: this process cannot be protected\n"
                        "  why: the system does not let it switch off core dumps and tracing\n"
                        "  do:  run it outside the sandbox or container that forbids prctl\n");
        return CLI_REFUSED;
    }
    return (int)cli_main(argc, argv);
}
