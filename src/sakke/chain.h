/**
 * @file chain.h The way from K to [q-1]K: doublings, and additions of K or -K between them.
 *
 * It follows the non-adjacent form of q - 1, which has 1022 digits, 353 of them not zero, and never
 * two such side by side.
 */
#ifndef SAKKE_CHAIN_H
#define SAKKE_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#define SAKKE_CHAIN_DOUBLINGS 1021u
#define SAKKE_CHAIN_STEPS     (SAKKE_CHAIN_DOUBLINGS + 352u)

typedef enum sakke_step { SAKKE_STEP_DOUBLE, SAKKE_STEP_ADD, SAKKE_STEP_SUBTRACT } sakke_step;

typedef struct sakke_chain {
    uint8_t op[SAKKE_CHAIN_STEPS]; /**< sakke_step */
    size_t count;
} sakke_chain;

/** The steps, first to last. Everything here is public. */
void sakke_chain_make(sakke_chain *c);

/**
 * The length of the group of steps that starts at a step: the first group has one doubling, any
 * other has two, and an addition belongs to the doubling before it.
 */
size_t sakke_chain_group(const sakke_chain *c, size_t at);

#endif
