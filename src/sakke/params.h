/**
 * @file params.h Constants of parameter set 1, as octets. p is in fp.c and q in scalar.c, as limbs.
 */
#ifndef SAKKE_PARAMS_H
#define SAKKE_PARAMS_H

#include <stdint.h>

/** The generator P, 04 || x || y. spec: RFC 6509 appendix A */
extern const uint8_t SAKKE_P_POINT[257];

/** g = <P, P> as an element of F_p. spec: RFC 6509 appendix A */
extern const uint8_t SAKKE_G[128];

#endif
