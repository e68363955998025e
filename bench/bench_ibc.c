/* Identity-based cryptography: ours against Debian's wolfSSL, and whole I_MESSAGEs. What is
 * measured and why it is fair: README.md. */
#include "bench_ibc.h"

#include <stdio.h>
#include <string.h>
#include <wolfssl/ssl.h>

#include "base/attr.h"
#include "base/secret.h"

WC_RNG wolf_rng;

bench_id bench_id_of(size_t number)
{
    bench_id id = { { 0x5a } };
    memcpy(id.octets + ID_OCTETS - sizeof number, &number, sizeof number);
    return id;
}

static const char *peer_name(void)
{
    static char name[64];
    (void)snprintf(name, sizeof name, "wolfSSL %s", wolfSSL_lib_version());
    return name;
}

static bool prepare(void)
{
    return bench_check(kf_process_harden() == KF_OK, "harden this process") &&
           bench_check(wc_InitRng(&wolf_rng) == 0, "wc_InitRng") && sakke_prepare_inputs() &&
           eccsi_prepare_inputs() && mikey_prepare_inputs();
}

static const bench_op ops[] = {
    { "SAKKE encapsulate, distinct recipients", ours_encapsulate, peer_encapsulate, 10, 0 },
    { "SAKKE decapsulate with check", ours_decapsulate, peer_decapsulate, 4, 0 },
    { "SAKKE RSK extraction", ours_extract_rsk, peer_extract_rsk, 2, 0 },
    { "SAKKE RSK validation", ours_validate_rsk, peer_validate_rsk, 0, 0 },
    { "ECCSI sign, 800 octets", ours_sign, peer_sign, 2, 0 },
    { "ECCSI verify, 800 octets, distinct senders", ours_verify, peer_verify, 6, 0 },
    { "ECCSI SSK/PVT extraction", ours_issue, peer_issue, 0, 0 },
    { "ECCSI SSK/PVT validation", ours_validate_pair, peer_validate_pair, 0, 0 },
    { "I_MESSAGE create, PCK, distinct recipients", create_message, NULL, 0, 800 },
    { "I_MESSAGE accept, PCK", accept_message, NULL, 0, 300 },
};

static const bench_setup setups[] = {
    { "table Z set-up, per certificate", make_public_table, public_table_octets, 50, 1u << 20 },
    { "table RSK set-up, per receiving identity", make_rsk_table, rsk_table_octets, 30, 1u << 20 },
};

int main(int argc, char **argv)
{
    static const bench_plan plan = {
        .name = "bench_ibc",
        .about = "SAKKE, ECCSI and I_MESSAGEs, operations a second on one core.",
        .peer = peer_name,
        .prepare = prepare,
        .ops = ops,
        .op_count = KF_COUNT(ops),
        .setups = setups,
        .setup_count = KF_COUNT(setups),
    };
    return bench_main(argc, argv, &plan);
}
