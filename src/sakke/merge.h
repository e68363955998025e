/**
 * @file merge.h Lines of a group of Miller steps, merged into one function.
 *
 * A function is A(X) + i Y B(X). With W = i Y, W^2 = -Y^2 = 3X - X^3 on the curve. A group is one
 * or two doublings with at most one addition (see chain.h), and after division by vertical lines,
 * which are functions of X alone, one of the two leading coefficients is 1 and is not stored:
 *
 *   steps                degree A, B   stored A, B   leading 1
 *   double                    1, 0         2, 0          B
 *   double add                2, 0         2, 1          A
 *   double double             2, 1         3, 1          B
 *   double double add         3, 1         3, 2          A
 *   double add double         3, 2         4, 2          B
 */
#ifndef SAKKE_MERGE_H
#define SAKKE_MERGE_H

#include "sakke/chain.h"
#include "sakke/fp.h"

/** The shape of the function of one group. */
typedef struct sakke_merged {
    size_t steps;
    unsigned doublings;
    unsigned stored_a, stored_b; /**< coefficients, constant first, A before B */
    bool leads_a;                /**< A has a leading 1 after its stored ones; otherwise B */
} sakke_merged;

/** The shape of the group that starts at a step. */
sakke_merged sakke_merged_at(const sakke_chain *c, size_t at);

/** Elements of the whole table. */
size_t sakke_merge_elements(const sakke_chain *c);

/**
 * Make the table.
 * @param x    x of the point each step starts from.
 * @param line slope and offset of each step.
 */
void sakke_merge_lines(sakke_fp *out, const sakke_chain *c, const sakke_fp *x,
                       const sakke_fp *line);

#endif
