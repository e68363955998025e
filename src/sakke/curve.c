/** @file curve.c The curve y^2 = x^3 - 3x: encodings and complete addition. */
#include "sakke/curve.h"

#include "base/secret.h"

/* r = 3a */
static void triple(sakke_fp *r, const sakke_fp *a)
{
    sakke_fp twice;
    fp_add(&twice, a, a, 1);
    fp_add(r, &twice, a, 1);
}

static uint64_t is_on_curve(const sakke_affine *a)
{
    sakke_fp left, right, t;
    fp_sqr(&left, &a->y, 1);
    fp_sqr(&right, &a->x, 1);
    fp_set_one(&t);
    triple(&t, &t);
    fp_sub(&right, &right, &t, 1);
    fp_mul(&right, &right, &a->x, 1);
    return fp_equal(&left, &right);
}

kf_err sakke_affine_read(kf_slice octets, sakke_affine *r)
{
    *r = (sakke_affine){ { { 0 } }, { { 0 } } };
    if (octets.len < SAKKE_CURVE_OCTETS)
        return KF_E_TRUNCATED;
    if (octets.len > SAKKE_CURVE_OCTETS)
        return KF_E_TRAILING;
    if (octets.ptr[0] != 0x04) /* spec: RFC 6508 clause 4 - uncompressed points only */
        return KF_E_MALFORMED;
    const bool x_fits = sakke_field_get()->from_octets(&r->x, octets.ptr + 1, 1);
    const bool y_fits = sakke_field_get()->from_octets(&r->y, octets.ptr + 1 + SAKKE_FP_OCTETS, 1);
    if (!(x_fits & y_fits & (is_on_curve(r) != 0)))
        return KF_E_MALFORMED;
    return KF_OK;
}

void sakke_affine_write(uint8_t octets[SAKKE_CURVE_OCTETS], const sakke_affine *a)
{
    octets[0] = 0x04;
    sakke_field_get()->to_octets(octets + 1, &a->x, 1);
    sakke_field_get()->to_octets(octets + 1 + SAKKE_FP_OCTETS, &a->y, 1);
}

void sakke_proj_set_infinity(sakke_proj *r)
{
    fp_set_zero(&r->x, 1);
    fp_set_one(&r->y);
    fp_set_zero(&r->z, 1);
}

void sakke_proj_from_affine(sakke_proj *r, const sakke_affine *a)
{
    r->x = a->x;
    r->y = a->y;
    fp_set_one(&r->z);
}

/* The complete addition law of Renes, Costello and Batina (2015) for a = -3 and b = 0. With
 *   A = x1 x2, B = y1 y2, C = z1 z2, D = x1 y2 + x2 y1, E = y1 z2 + y2 z1, F = x1 z2 + x2 z1,
 *   G = 3A + 9C, H = 3A - 3C, S = B + 3F, T = B - 3F:
 *   X = D S + E G, Y = S T - H G, Z = E T + D H. */
void sakke_proj_add(sakke_proj *r, const sakke_proj *a, const sakke_proj *b)
{
    sakke_fp pa, pb, pc, pd, pe, pf, g, h, s, t;
    fp_mul(&pa, &a->x, &b->x, 1);
    fp_mul(&pb, &a->y, &b->y, 1);
    fp_mul(&pc, &a->z, &b->z, 1);
    fp_mul2(&pd, &a->x, &b->y, &b->x, &a->y, 1);
    fp_mul2(&pe, &a->y, &b->z, &b->y, &a->z, 1);
    fp_mul2(&pf, &a->x, &b->z, &b->x, &a->z, 1);
    triple(&pa, &pa);
    triple(&pc, &pc);
    triple(&pf, &pf);
    fp_sub(&h, &pa, &pc, 1);
    triple(&pc, &pc);
    fp_add(&g, &pa, &pc, 1);
    fp_add(&s, &pb, &pf, 1);
    fp_sub(&t, &pb, &pf, 1);
    fp_mul2(&r->x, &pd, &s, &pe, &g, 1);
    fp_mul2(&r->z, &pe, &t, &pd, &h, 1);
    fp_neg(&h, &h);
    fp_mul2(&r->y, &s, &t, &h, &g, 1);
}

/* The same with both operands equal; Z becomes 8 y^3 z on the curve. */
void sakke_proj_double(sakke_proj *r, const sakke_proj *a)
{
    sakke_fp pa, pb, pc, pd, pe, pf, g, h, s, t;
    fp_sqr(&pa, &a->x, 1);
    fp_sqr(&pb, &a->y, 1);
    fp_sqr(&pc, &a->z, 1);
    fp_mul(&pd, &a->x, &a->y, 1);
    fp_mul(&pe, &a->y, &a->z, 1);
    fp_mul(&pf, &a->x, &a->z, 1);
    fp_add(&pd, &pd, &pd, 1);
    fp_add(&pe, &pe, &pe, 1);
    fp_add(&pf, &pf, &pf, 1);
    triple(&pa, &pa);
    triple(&pc, &pc);
    triple(&pf, &pf);
    fp_sub(&h, &pc, &pa, 1);
    triple(&pc, &pc);
    fp_add(&g, &pa, &pc, 1);
    fp_add(&s, &pb, &pf, 1);
    fp_sub(&t, &pb, &pf, 1);
    fp_mul2(&r->x, &pd, &s, &pe, &g, 1);
    fp_mul2(&r->y, &s, &t, &h, &g, 1);
    fp_mul(&r->z, &pe, &pb, 1);
    fp_add(&r->z, &r->z, &r->z, 1);
    fp_add(&r->z, &r->z, &r->z, 1);
}

uint64_t sakke_proj_equals_affine(const sakke_proj *a, const sakke_affine *b)
{
    sakke_fp x, y;
    fp_mul(&x, &b->x, &a->z, 1);
    fp_mul(&y, &b->y, &a->z, 1);
    return fp_equal(&x, &a->x) & fp_equal(&y, &a->y) & (fp_is_zero(&a->z) ^ 1u);
}

uint64_t sakke_proj_to_affine(sakke_affine *r, const sakke_proj *a)
{
    sakke_fp inv;
    fp_inv(&inv, &a->z);
    fp_mul(&r->x, &a->x, &inv, 1);
    fp_mul(&r->y, &a->y, &inv, 1);
    return fp_is_zero(&a->z) ^ 1u;
}

void sakke_affine_add_batch(sakke_fp *x3, sakke_fp *y3, const sakke_fp *x1, const sakke_fp *y1,
                            const sakke_fp *x2, const sakke_fp *y2, sakke_fp *inv,
                            sakke_fp *scratch, size_t n)
{
    sakke_fp *x = scratch, *t = scratch + n;
    fp_sub(t, y2, y1, n);
    fp_mul(inv, inv, t, n); /* the slopes */
    fp_sqr(x, inv, n);
    fp_sub(x, x, x1, n);
    fp_sub(x, x, x2, n);
    fp_sub(t, x1, x, n);
    fp_mul(t, inv, t, n);
    fp_sub(y3, t, y1, n);
    memcpy(x3, x, n * sizeof *x3);
}
