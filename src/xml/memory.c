#include "xml/memory.h"

#include <libxml/parser.h>
#include <libxml/xmlmemory.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/*
 * Sizes come from malloc_usable_size() rather than a header in front of each block, so that a block
 * that libxml2 got before our allocators were in place can still be freed by them.
 */
static _Thread_local struct {
    bool active;
    bool capped;
    size_t cap, in_use, peak;
} budget;

static bool charge(size_t octets)
{
    if (!budget.active)
        return true;
    if (octets > budget.cap - budget.in_use) {
        budget.capped = true;
        return false;
    }
    budget.in_use += octets;
    if (budget.in_use > budget.peak)
        budget.peak = budget.in_use;
    return true;
}

static void credit(size_t octets)
{
    if (budget.active) /* a block from before begin was never charged */
        budget.in_use -= octets < budget.in_use ? octets : budget.in_use;
}

static void wipe_free(void *block)
{
    if (block == NULL)
        return;
    size_t octets = malloc_usable_size(block);
    kf_wipe(block, octets);
    credit(octets);
    free(block);
}

static void *capped_malloc(size_t octets)
{
    if (budget.active && octets > budget.cap - budget.in_use) {
        budget.capped = true;
        return NULL;
    }
    void *block = malloc(octets);
    if (block == NULL || charge(malloc_usable_size(block)))
        return block;
    free(block);
    return NULL;
}

static void *capped_realloc(void *old, size_t octets)
{
    void *block = capped_malloc(octets);
    if (block == NULL || old == NULL)
        return block;
    size_t had = malloc_usable_size(old);
    memcpy(block, old, had < octets ? had : octets);
    wipe_free(old);
    return block;
}

static char *capped_strdup(const char *text)
{
    size_t octets = strlen(text) + 1;
    char *copy = capped_malloc(octets);
    if (copy != NULL)
        memcpy(copy, text, octets);
    return copy;
}

static kf_err setup_result = KF_E_BACKEND;

static void setup(void)
{
    if (xmlMemSetup(wipe_free, capped_malloc, capped_realloc, capped_strdup) != 0)
        return;
    xmlInitParser();
    setup_result = KF_OK;
}

kf_err xml_memory_setup(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, setup) != 0)
        return KF_E_BACKEND;
    return setup_result;
}

void xml_memory_begin(size_t cap)
{
    budget.active = true;
    budget.capped = false;
    budget.cap = cap;
    budget.in_use = 0;
    budget.peak = 0;
}

void xml_memory_end(void)
{
    budget.active = false;
}

size_t xml_memory_peak(void)
{
    return budget.peak;
}

size_t xml_memory_in_use(void)
{
    return budget.in_use;
}

bool xml_memory_was_capped(void)
{
    return budget.capped;
}
