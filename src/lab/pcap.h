/**
 * @file pcap.h Captures of our own datagrams as pcap files (link type 228, IPv4), with an IPv4 and
 * a UDP header made for each, checksums included, so that any analyser reads them. No privilege is
 * needed.
 */
#ifndef LAB_PCAP_H
#define LAB_PCAP_H

#include <netinet/in.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"

typedef struct lab_pcap lab_pcap;

/** Make (or replace) a file, mode 0644. @return KF_E_BACKEND, errno set; KF_E_NO_MEMORY. */
KF_MUST_USE kf_err lab_pcap_open(const char *path, lab_pcap **out);
/** Append a datagram and flush. A failure is sticky and silent but for lab_pcap_close(). */
void lab_pcap_add(lab_pcap *pcap, const struct sockaddr_in *from, const struct sockaddr_in *to,
                  kf_time seconds, uint32_t microseconds, kf_slice payload);
/** @return KF_E_BACKEND when anything was not written. NULL is fine. */
kf_err lab_pcap_close(lab_pcap **pcap);

#endif
