/* Captures: octet by octet against a reader of our own, and as tshark sees them. */
#include "support/testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/pcap.h"

static char dir[] = "/tmp/kf-test-pcap-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/a.pcap", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static struct sockaddr_in at(uint32_t address, uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(address),
                                 .sin_port = htons(port) };
}

static size_t read_back(uint8_t *buf, size_t cap)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t len = fread(buf, 1, cap, f);
    assert_int_equal(fclose(f), 0);
    return len;
}

/* Worked by hand: 0x4500+0x1f+0+0x4000+0x4011+0x7f00+1+0x7f00+2 = 0x1c333, folded 0xc334, inverted
 * 3ccb. UDP: 0x7f00+1+0x7f00+2+0x11+0xb+0xfb9e+0xc350+0xb+0x0102+0x0300 = 0x2c11a, so 3ee3. */
static void test_known_octets(void **state)
{
    static const char *const want = "a1b2c3d4 0002 0004 00000000 00000000 0000ffff 000000e4"
                                    "65920080 000f423f 0000001f 0000001f"
                                    "4500001f 00004000 40113ccb 7f000001 7f000002"
                                    "fb9ec350 000b 3ee3 010203";
    uint8_t got[256], buf[256];
    const struct sockaddr_in from = at(0x7f000001, 64414), to = at(0x7f000002, 50000);
    lab_pcap *pcap = NULL;
    struct stat st;
    (void)state;
    assert_ok(lab_pcap_open(path, &pcap));
    lab_pcap_add(pcap, &from, &to, 0x65920080, 999999, (kf_slice){ (const uint8_t *)"\1\2\3", 3 });
    const size_t len = read_back(got, sizeof got); /* flushed before the file is closed */
    assert_slice_equal(((kf_slice){ got, len }), testing_hex(want, buf, sizeof buf));
    assert_ok(lab_pcap_close(&pcap));
    assert_null(pcap);
    assert_ok(lab_pcap_close(&pcap));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07133, 0); /* nothing beyond 0644, whatever the umask */
}

static uint32_t checksum(const uint8_t *p, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++)
        sum += (uint32_t)p[i] << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/** A receiver sums everything, the checksum too, to FFFF; and never sees a checksum of 0. */
static void test_checksums_of_random_datagrams(void **state)
{
    static uint8_t file[24 + 16 + 65535], payload[65535 - 28];
    testing_rng rng;
    (void)state;
    testing_rng_init(&rng, "pcap checksums");
    const size_t rounds = testing_count(300, 20000);
    for (size_t i = 0; i < rounds; i++) {
        const size_t len = i == 0 ? sizeof payload : testing_rng_below(&rng, i % 2 ? 40 : 1500);
        const struct sockaddr_in from = at((uint32_t)testing_rng_u64(&rng), (uint16_t)i),
                                 to = at((uint32_t)testing_rng_u64(&rng), (uint16_t)(i * 77));
        lab_pcap *pcap = NULL;
        testing_rng_octets(&rng, payload, len);
        assert_ok(lab_pcap_open(path, &pcap));
        lab_pcap_add(pcap, &from, &to, 1, 2, (kf_slice){ payload, len });
        assert_ok(lab_pcap_close(&pcap));
        assert_int_equal(read_back(file, sizeof file), 24 + 16 + 28 + len);
        const uint8_t *ip = file + 40, *udp = ip + 20;
        assert_int_equal(checksum(ip, 20, 0), 0xffff);
        assert_int_equal(checksum(udp, 8 + len, checksum(ip + 12, 8, 17 + 8 + (uint32_t)len)),
                         0xffff);
        assert_true(udp[6] != 0 || udp[7] != 0);
        assert_memory_equal(udp + 8, payload, len);
    }
}

/** spec: RFC 768 - a sum that comes out as zero is sent as all ones. */
static void test_a_checksum_is_never_zero(void **state)
{
    uint8_t file[128], payload[2] = { 0, 0 };
    const struct sockaddr_in from = at(0x7f000001, 1), to = at(0x7f000001, 2);
    (void)state;
    /* the sum without the payload, so that the payload makes it FFFF */
    uint32_t sum = 17u + 10u + 0x7f00u + 1u + 0x7f00u + 1u + 1u + 2u + 10u;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    payload[0] = (uint8_t)((0xffff - sum) >> 8);
    payload[1] = (uint8_t)(0xffff - sum);
    lab_pcap *pcap = NULL;
    assert_ok(lab_pcap_open(path, &pcap));
    lab_pcap_add(pcap, &from, &to, 1, 2, KF_SLICE_OF(payload));
    assert_ok(lab_pcap_close(&pcap));
    assert_int_equal(read_back(file, sizeof file), 24 + 16 + 28 + 2);
    assert_int_equal(file[24 + 16 + 26], 0xff);
    assert_int_equal(file[24 + 16 + 27], 0xff);
}

static void test_failures_stick(void **state)
{
    static const uint8_t big[65508];
    const struct sockaddr_in any = at(0x7f000001, 1);
    lab_pcap *pcap = (lab_pcap *)&pcap;
    uint8_t file[256];
    (void)state;
    assert_err(lab_pcap_open("/nonexistent/a.pcap", &pcap), KF_E_BACKEND);
    assert_int_equal(errno, ENOENT);
    assert_null(pcap);
    assert_ok(lab_pcap_open(path, &pcap)); /* what no datagram carries */
    lab_pcap_add(pcap, &any, &any, 1, 2, KF_SLICE_OF(big));
    lab_pcap_add(pcap, &any, &any, 1, 2, kf_slice_str("x"));
    assert_int_equal(read_back(file, sizeof file), 24);
    assert_err(lab_pcap_close(&pcap), KF_E_BACKEND);
    assert_int_equal(errno, EMSGSIZE);
    assert_null(pcap);
    assert_err(lab_pcap_open("/dev/full", &pcap), KF_E_BACKEND);
    assert_int_equal(errno, ENOSPC);
    assert_null(pcap);
}

/** The lines that a command prints; at most cap octets. */
static size_t run(const char *command, char *buf, size_t cap)
{
    FILE *p = popen(command, "r");
    assert_non_null(p);
    const size_t len = fread(buf, 1, cap - 1, p);
    buf[len] = '\0';
    assert_int_equal(pclose(p), 0);
    return len;
}

static void test_tshark_agrees(void **state)
{
    char command[512], out[4096], want[4096] = "";
    testing_rng rng;
    lab_pcap *pcap = NULL;
    (void)state;
    if (system("command -v tshark >/dev/null 2>&1") != 0)
        skip();
    testing_rng_init(&rng, "pcap tshark");
    assert_ok(lab_pcap_open(path, &pcap));
    for (uint16_t i = 0; i < 40; i++) {
        uint8_t payload[100];
        const struct sockaddr_in from = at(0x7f000001u, 64414),
                                 to = at(0x0a000001u + i, (uint16_t)(50000 + i));
        testing_rng_octets(&rng, payload, sizeof payload);
        lab_pcap_add(pcap, &from, &to, 1764000000 + i, 1000u * i, (kf_slice){ payload, i });
        (void)snprintf(want + strlen(want), sizeof want - strlen(want),
                       "%d.%03d000000\t127.0.0.1\t10.0.0.%d\t64414\t%d\t1\t1\t%d\t\n",
                       1764000000 + i, i, i + 1, 50000 + i, 8 + i);
    }
    assert_ok(lab_pcap_close(&pcap));
    /* status 1: the checksum is good; the last field: anything tshark finds malformed */
    (void)snprintf(command, sizeof command,
                   "tshark -r %s -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE -T fields"
                   " -e frame.time_epoch -e ip.src -e ip.dst -e udp.srcport -e udp.dstport"
                   " -e ip.checksum.status -e udp.checksum.status -e udp.length -e _ws.malformed"
                   " 2>/dev/null",
                   path);
    run(command, out, sizeof out);
    assert_string_equal(out, want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_octets),
        cmocka_unit_test(test_checksums_of_random_datagrams),
        cmocka_unit_test(test_a_checksum_is_never_zero),
        cmocka_unit_test(test_failures_stick),
        cmocka_unit_test(test_tshark_agrees),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
