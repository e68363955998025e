/**
 * @file config.h Configuration files of a lab KMF and a lab subscriber: YAML (libcyaml), strict: an
 * unknown key, a key given twice or a value out of range is refused with line and path.
 *
 * KMF:
 *
 *     rsi: 9999999
 *     listen: 127.0.0.1:64414        # UDP; the default port is 64414
 *     control: kmf.sock              # Unix socket
 *     state: kmf-state               # directory
 *     passphrase_file: kmf.pass      # of the state
 *     mac: auto                      # auto, cbc, cmac-c, cmac-d
 *     first_scheme: cmac-d           # what auto begins with, and with a fixed mac the same
 *     retry_seconds: 5
 *     tries: 4
 *     key_file: fleet.keys           # UKEKs: entries with an RSI, of `keyferry keys`
 *     key_passphrase_file: fleet.pass
 *     capture: otar.pcap             # every datagram in and out; optional
 *     groups:
 *       - { sln: 1, name: fire }
 *     units:
 *       - { rsi: 1001, level: basic, groups: [1], address: "127.0.0.2:64414" }
 *
 * Subscriber:
 *
 *     rsi: 1001
 *     kmf_rsi: 9999999
 *     listen: 127.0.0.2:64414
 *     kmf: 127.0.0.1:64414
 *     control: unit.sock
 *     state: unit-state
 *     passphrase_file: unit.pass
 *     key_file: unit.keys            # loaded when the state is new, and by `load-keys`
 *     key_passphrase_file: unit.keys.pass
 *     level: basic                   # basic, enhanced
 *     mac: auto
 *     first_scheme: cmac-d
 *     mnp: 16
 *     warm_seconds: 120
 *     group_rsis: [ 5001 ]
 *     voice: 127.0.0.2:50000         # where voice packets arrive; optional
 *     capture: unit.pcap
 *
 * File names are taken relative to the directory of the configuration file. Numbers are decimal.
 * What is not marked optional here, and has no default in brackets, must be there: [mac auto,
 * first_scheme cmac-d or what mac fixes, level basic, retry_seconds 5, tries 4, mnp and
 * warm_seconds as in otar/unit.h]; groups, units, group_rsis, address, key_file with its passphrase
 * file, voice and capture may be left out.
 */
#ifndef LAB_CONFIG_H
#define LAB_CONFIG_H

#include <netinet/in.h>

#include "otar/kmf.h"
#include "otar/unit.h"
#include "yaml/strict.h"

#define LAB_PATH_MAX   512u
#define LAB_NAME_MAX   64u
#define LAB_UNITS_MAX  20000u
#define LAB_CONFIG_MAX KF_YAML_MAX /**< octets of a file */

/** What both have. Paths are resolved; an empty string: not given. */
typedef struct lab_node_config {
    struct sockaddr_in listen;
    char control[108]; /**< as a socket's name can be */
    char state[LAB_PATH_MAX];
    char passphrase_file[LAB_PATH_MAX];
    char key_file[LAB_PATH_MAX];
    char key_passphrase_file[LAB_PATH_MAX];
    char capture[LAB_PATH_MAX];
} lab_node_config;

typedef struct lab_group_config {
    uint16_t sln;
    char name[LAB_NAME_MAX];
} lab_group_config;

typedef struct lab_member_config {
    uint32_t rsi;
    p25_level level;
    uint64_t groups;            /**< bit i: of groups[i] */
    struct sockaddr_in address; /**< sin_port 0: learned from what it sends */
} lab_member_config;

typedef struct lab_kmf_config {
    lab_node_config node;
    otar_kmf_config kmf;
    size_t group_count;
    lab_group_config groups[OTAR_GROUPS_MAX];
    size_t unit_count;
    lab_member_config *units; /**< owned */
} lab_kmf_config;

typedef struct lab_unit_config {
    lab_node_config node;
    otar_unit_config unit;
    struct sockaddr_in kmf;
    struct sockaddr_in voice; /**< sin_port 0: none */
    size_t group_rsi_count;
    uint32_t group_rsis[OTAR_UNIT_GROUPS_MAX];
} lab_unit_config;

/** Where and why. */
typedef kf_yaml_fault lab_config_fault;

/**
 * Read a configuration from octets. Caller clears *out, which is empty on failure.
 * @param directory what file names are relative to; "" for none.
 * @return KF_E_MALFORMED, KF_E_NO_SPACE (too large), KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err lab_kmf_config_read(kf_slice yaml, const char *directory, lab_kmf_config *out,
                                       lab_config_fault *fault);
void lab_kmf_config_clear(lab_kmf_config *config);
KF_MUST_USE kf_err lab_unit_config_read(kf_slice yaml, const char *directory, lab_unit_config *out,
                                        lab_config_fault *fault);

/** "127.0.0.1:64414"; the port, 1 to 65535, may be left out when fallback is not 0. */
KF_MUST_USE bool lab_address_parse(kf_slice text, uint16_t fallback, struct sockaddr_in *out);
/** Room that lab_address_text() needs. */
#define LAB_ADDRESS_TEXT 24u
const char *lab_address_text(const struct sockaddr_in *address, char buf[LAB_ADDRESS_TEXT]);

#endif
