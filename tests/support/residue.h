/**
 * @file residue.h How often a key stands in this process's writable memory: for tests that look for
 * what was left behind. Include it in one file of a program; residue_setup() is its group's set-up.
 */
#ifndef TESTS_SUPPORT_RESIDUE_H
#define TESTS_SUPPORT_RESIDUE_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/testing.h"

#define MASK         0x5au
#define PATTERN      24u /* digits or octets of the key to look for */
#define WINDOW       ((size_t)1 << 20)
#define REGION_LIMIT ((size_t)1 << 30) /* a larger mapping is a sanitizer's shadow */

static uint8_t masked[PATTERN]; /* the pattern itself must not be in memory */
static uint8_t *window;         /* a mapping of its own, not looked into */

static bool is_pattern(const uint8_t *at)
{
    for (size_t i = 0; i < PATTERN; i++)
        if ((at[i] ^ MASK) != masked[i])
            return false;
    return true;
}

/* Read through the kernel, so that no sanitizer objects. */
static size_t count_in(int mem, size_t from, size_t to)
{
    size_t found = 0;
    for (size_t at = from; at + PATTERN <= to; at += WINDOW - PATTERN) {
        size_t want = to - at < WINDOW ? to - at : WINDOW;
        ssize_t got = pread(mem, window, want, (off_t)at);
        for (ssize_t i = 0; i + (ssize_t)PATTERN <= got; i++)
            found += is_pattern(window + i);
        if (to - at <= WINDOW)
            break;
    }
    memset(window, 0, WINDOW);
    return found;
}

static size_t copies_in_memory(void)
{
    char line[512], rights[8];
    size_t from = 0, to = 0, found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY);
    assert_non_null(maps);
    assert_true(mem >= 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        assert_int_equal(sscanf(line, "%zx-%zx %7s", &from, &to, rights), 3);
        bool is_window = from <= (uintptr_t)window && (uintptr_t)window < to;
        if (rights[0] == 'r' && rights[1] == 'w' && to - from < REGION_LIMIT && !is_window)
            found += count_in(mem, from, to);
    }
    fclose(maps);
    close(mem);
    return found;
}

static int residue_setup(void **state)
{
    (void)state;
    window = mmap(NULL, WINDOW + REGION_LIMIT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (window == MAP_FAILED)
        return 1;
    /* inside a mapping of its own, so that the kernel merges it with no neighbour */
    window += REGION_LIMIT / 2;
    return mprotect(window, WINDOW, PROT_READ | PROT_WRITE);
}

#endif
