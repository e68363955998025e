#include "lab/pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/writer.h"

#define LINK_TYPE_IPV4    228u
#define PCAP_MAGIC_MICROS 0xa1b2c3d4u
#define FILE_HEAD_OCTETS  24u
#define RECORD_OCTETS     16u
#define IP_OCTETS         20u
#define UDP_OCTETS        8u
#define IP_PROTOCOL_UDP   17u
#define HOPS              64u
#define IP_DONT_FRAGMENT  0x4000u
#define PAYLOAD_MAX       (65535u - IP_OCTETS - UDP_OCTETS)

struct lab_pcap {
    int fd;
    int error; /**< errno of the first failure; 0: all is well */
    uint16_t next_id;
    uint8_t frame[RECORD_OCTETS + 65535u];
};

/** One write for a whole record, so that a reader of a growing file meets whole records. */
static void put_file(lab_pcap *pcap, kf_slice octets)
{
    while (pcap->error == 0 && octets.len > 0) {
        const ssize_t n = write(pcap->fd, octets.ptr, octets.len);
        if (n >= 0)
            octets = kf_slice_part(octets, (size_t)n, octets.len);
        else if (errno != EINTR)
            pcap->error = errno;
    }
}

kf_err lab_pcap_open(const char *path, lab_pcap **out)
{
    uint8_t head[FILE_HEAD_OCTETS];
    kf_writer w = kf_writer_init(head, sizeof head);

    *out = NULL;
    lab_pcap *pcap = calloc(1, sizeof *pcap);
    if (pcap == NULL)
        return KF_E_NO_MEMORY;
    pcap->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (pcap->fd < 0) {
        free(pcap);
        return KF_E_BACKEND;
    }
    kf_write_u32(&w, PCAP_MAGIC_MICROS); /* its octet order is that of all fields after it */
    kf_write_u16(&w, 2);
    kf_write_u16(&w, 4);
    kf_write_u32(&w, 0); /* time zone */
    kf_write_u32(&w, 0); /* accuracy */
    kf_write_u32(&w, 65535);
    kf_write_u32(&w, LINK_TYPE_IPV4);
    put_file(pcap, kf_writer_slice(&w));
    *out = pcap;
    if (pcap->error == 0)
        return KF_OK;
    const int error = pcap->error;
    (void)lab_pcap_close(out);
    errno = error;
    return KF_E_BACKEND;
}

/** Sum of big-endian 16-bit words, the last one padded. RFC 1071. */
static uint32_t add_words(uint32_t sum, kf_slice octets)
{
    for (size_t i = 0; i < octets.len; i++)
        sum += (uint32_t)octets.ptr[i] << (i % 2 == 0 ? 8 : 0);
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void patch_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/** spec: RFC 791 3.1 - twenty octets, no options. */
static void write_ip(kf_writer *w, uint16_t id, in_addr_t from, in_addr_t to, size_t udp_len)
{
    const size_t start = w->len;
    kf_write_u16(w, 0x4500); /* version 4, five words, service 0 */
    kf_write_u16(w, (uint16_t)(IP_OCTETS + udp_len));
    kf_write_u16(w, id);
    kf_write_u16(w, IP_DONT_FRAGMENT);
    kf_write_u8(w, HOPS);
    kf_write_u8(w, IP_PROTOCOL_UDP);
    kf_write_u16(w, 0);
    kf_write_u32(w, ntohl(from));
    kf_write_u32(w, ntohl(to));
    uint8_t *head = w->buf + start;
    patch_u16(head + 10, fold(add_words(0, (kf_slice){ head, IP_OCTETS })));
}

/** spec: RFC 768 - the checksum also covers addresses, protocol and length; 0 is sent as FFFF. */
static void write_udp(kf_writer *w, const struct sockaddr_in *from, const struct sockaddr_in *to,
                      kf_slice payload)
{
    const uint16_t len = (uint16_t)(UDP_OCTETS + payload.len);
    const size_t start = w->len;
    kf_write_u16(w, ntohs(from->sin_port));
    kf_write_u16(w, ntohs(to->sin_port));
    kf_write_u16(w, len);
    kf_write_u16(w, 0);
    kf_write_slice(w, payload);
    uint8_t *head = w->buf + start;
    const kf_slice addresses = { head - 8, 8 }; /* the end of the IPv4 header */
    const uint32_t sum = add_words(IP_PROTOCOL_UDP + (uint32_t)len, addresses);
    const uint16_t check = fold(add_words(sum, (kf_slice){ head, len }));
    patch_u16(head + 6, check == 0 ? 0xffff : check);
}

void lab_pcap_add(lab_pcap *pcap, const struct sockaddr_in *from, const struct sockaddr_in *to,
                  kf_time seconds, uint32_t microseconds, kf_slice payload)
{
    kf_writer w = kf_writer_init(pcap->frame, sizeof pcap->frame);
    if (payload.len > PAYLOAD_MAX && pcap->error == 0)
        pcap->error = EMSGSIZE;
    if (pcap->error != 0)
        return;
    const uint32_t len = (uint32_t)(IP_OCTETS + UDP_OCTETS + payload.len);
    kf_write_u32(&w, (uint32_t)seconds);
    kf_write_u32(&w, microseconds);
    kf_write_u32(&w, len);
    kf_write_u32(&w, len);
    write_ip(&w, pcap->next_id++, from->sin_addr.s_addr, to->sin_addr.s_addr,
             UDP_OCTETS + payload.len);
    write_udp(&w, from, to, payload);
    put_file(pcap, kf_writer_slice(&w));
}

kf_err lab_pcap_close(lab_pcap **pcap)
{
    if (*pcap == NULL)
        return KF_OK;
    int error = (*pcap)->error;
    if (close((*pcap)->fd) != 0 && error == 0)
        error = errno;
    free(*pcap);
    *pcap = NULL;
    if (error == 0)
        return KF_OK;
    errno = error;
    return KF_E_BACKEND;
}
