/** @file fp_batch.c Inversion of many field elements at the price of one. */
#include "sakke/fp.h"

#include "base/secret.h"

#define ROW SAKKE_FP_BATCH_ROW

/* run[j] = 1/last[j] for count elements. @return 0 when one of them is zero. */
static uint64_t invert_few(sakke_fp *run, const sakke_fp *last, size_t count)
{
    sakke_fp left[ROW], inv;
    left[0] = last[0];
    for (size_t j = 1; j < count; j++)
        fp_mul(&left[j], &left[j - 1], &last[j], 1);
    fp_inv(&inv, &left[count - 1]);
    uint64_t ok = fp_is_zero(&inv) ^ 1u;
    for (size_t j = count - 1; j > 0; j--) {
        fp_mul(&run[j], &inv, &left[j - 1], 1);
        fp_mul(&inv, &inv, &last[j], 1);
    }
    run[0] = inv;
    kf_wipe(left, sizeof left);
    kf_wipe(&inv, sizeof inv);
    return ok;
}

/* Eight chains of products side by side, i mod 8 telling the chain of element i, so that a field
 * with eight lanes has eight independent multiplications at a time. */
uint64_t fp_inv_batch(sakke_fp *r, const sakke_fp *a, sakke_fp *scratch, size_t n)
{
    const size_t width = n < ROW ? n : ROW;
    sakke_fp ends[ROW], run[ROW], next[ROW];

    if (n == 0)
        return 1;
    memcpy(scratch, a, width * sizeof *a);
    for (size_t s = ROW; s < n; s += ROW)
        fp_mul(scratch + s, scratch + s - ROW, a + s, n - s < ROW ? n - s : ROW);

    for (size_t i = n - width; i < n; i++)
        ends[i % width] = scratch[i];
    uint64_t ok = invert_few(run, ends, width);

    /* run[j] is the inverse of the chain j up to the row in hand */
    for (size_t s = (n - 1) / ROW * ROW; s > 0; s -= ROW) {
        const size_t count = n - s < ROW ? n - s : ROW;
        fp_mul(next, run, a + s, count);
        fp_mul(r + s, run, scratch + s - ROW, count);
        memcpy(run, next, count * sizeof *run);
    }
    memcpy(r, run, width * sizeof *r);
    kf_wipe(ends, sizeof ends);
    kf_wipe(run, sizeof run);
    kf_wipe(next, sizeof next);
    return ok;
}
