/** @file lines.c The lines of the Miller loop, computed ahead. */
#include "sakke/merge.h"
#include "sakke/pairing.h"

/* Work space: one element a step in each array. Secret. */
typedef struct work {
    sakke_fp x[SAKKE_CHAIN_STEPS], y[SAKKE_CHAIN_STEPS]; /* where a step starts */
    sakke_fp t[SAKKE_CHAIN_STEPS], inv[SAKKE_CHAIN_STEPS], scratch[SAKKE_CHAIN_STEPS];
    sakke_fp line[2 * SAKKE_CHAIN_STEPS]; /* slope, offset of each step */
} work;

/* x, y = the points of the chain in affine form. */
static kf_err walk(work *w, const sakke_chain *c, const sakke_affine *k)
{
    sakke_proj at, plus, minus;
    sakke_affine opposite = *k;
    fp_neg(&opposite.y, &k->y);
    sakke_proj_from_affine(&plus, k);
    sakke_proj_from_affine(&minus, &opposite);
    at = plus;
    for (size_t i = 0; i < c->count; i++) {
        w->x[i] = at.x;
        w->y[i] = at.y;
        w->t[i] = at.z;
        if (c->op[i] == SAKKE_STEP_DOUBLE)
            sakke_proj_double(&at, &at);
        else
            sakke_proj_add(&at, &at, c->op[i] == SAKKE_STEP_ADD ? &plus : &minus);
    }
    /* [q-1]K = -K says that the order of K is q */
    uint64_t ok = sakke_proj_equals_affine(&at, &opposite);
    ok &= fp_inv_batch(w->inv, w->t, w->scratch, c->count);
    fp_mul(w->x, w->x, w->inv, c->count);
    fp_mul(w->y, w->y, w->inv, c->count);
    kf_wipe(&at, sizeof at);
    kf_wipe(&plus, sizeof plus);
    kf_wipe(&minus, sizeof minus);
    kf_wipe(&opposite, sizeof opposite);
    return ok ? KF_OK : KF_E_MALFORMED;
}

/* t / scratch = the slope of each line: 3(x^2 - 1) / 2y, or (y -+ ky) / (x - kx). */
static void make_fractions(work *w, const sakke_chain *c, const sakke_affine *k)
{
    sakke_fp one, t;
    fp_set_one(&one);
    for (size_t i = 0; i < c->count; i++) {
        if (c->op[i] == SAKKE_STEP_DOUBLE) {
            fp_sqr(&t, &w->x[i], 1);
            fp_sub(&t, &t, &one, 1);
            fp_add(&w->t[i], &t, &t, 1);
            fp_add(&w->t[i], &w->t[i], &t, 1);
            fp_add(&w->inv[i], &w->y[i], &w->y[i], 1);
            continue;
        }
        if (c->op[i] == SAKKE_STEP_ADD)
            fp_sub(&w->t[i], &w->y[i], &k->y, 1);
        else
            fp_add(&w->t[i], &w->y[i], &k->y, 1);
        fp_sub(&w->inv[i], &w->x[i], &k->x, 1);
    }
    kf_wipe(&t, sizeof t);
}

/* line = slope and offset = slope x - y of each step. */
static kf_err make_lines(work *w, const sakke_chain *c, const sakke_affine *k)
{
    make_fractions(w, c, k);
    if (!fp_inv_batch(w->inv, w->inv, w->scratch, c->count))
        return KF_E_MALFORMED;
    fp_mul(w->t, w->t, w->inv, c->count);
    fp_mul(w->inv, w->t, w->x, c->count);
    fp_sub(w->inv, w->inv, w->y, c->count);
    for (size_t i = 0; i < c->count; i++) {
        w->line[2 * i] = w->t[i];
        w->line[2 * i + 1] = w->inv[i];
    }
    return KF_OK;
}

/* The table: the lines as they are, or merged. */
static kf_err make_table(sakke_lines *lines, const work *w)
{
    const sakke_chain *c = &lines->chain;
    size_t elements = 2 * c->count;
    if (lines->kind == SAKKE_LINES_MERGED)
        elements = sakke_merge_elements(c);
    kf_err err = kf_secret_new_guarded(elements * sizeof(sakke_fp), &lines->coefficients);
    if (err != KF_OK)
        return err;
    sakke_fp *out = (sakke_fp *)(void *)kf_secret_edit(lines->coefficients);
    if (lines->kind == SAKKE_LINES_MERGED)
        sakke_merge_lines(out, c, w->x, w->line);
    else
        memcpy(out, w->line, elements * sizeof *out);
    return KF_OK;
}

kf_err sakke_lines_init(sakke_lines *lines, const sakke_affine *k, sakke_lines_kind kind)
{
    const sakke_chain *c = &lines->chain;
    kf_secret *space = NULL;

    lines->kind = kind;
    lines->coefficients = NULL;
    sakke_chain_make(&lines->chain);
    kf_err err = kf_secret_new_guarded(sizeof(work), &space);
    if (err != KF_OK)
        return err;
    work *w = (work *)(void *)kf_secret_edit(space);
    if ((err = walk(w, c, k)) == KF_OK && (err = make_lines(w, c, k)) == KF_OK)
        err = make_table(lines, w);
    kf_secret_free(&space);
    return err;
}

void sakke_lines_clear(sakke_lines *lines)
{
    kf_secret_free(&lines->coefficients);
}
