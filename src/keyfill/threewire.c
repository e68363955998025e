#include "keyfill/threewire.h"

#include <string.h>

#define CRC_POLYNOMIAL  0x8408u
#define CRC_START       0xffffu
#define BODY_FIXED      6u /* control, RSI, CRC: what the length counts beside the KMM */
#define RSI_MAX         0xffffffu
#define MODIFY_KEY_HEAD 27u /* spec: project facts 6.4 - what kfd reserves of 512 octets */
#define KEY_ITEM_HEAD   5u  /* key format, SLN, KID */

uint16_t keyfill_wire_crc(kf_slice octets)
{
    unsigned crc = CRC_START;
    for (size_t i = 0; i < octets.len; i++) {
        crc ^= octets.ptr[i];
        for (unsigned bit = 0; bit < 8; bit++) /* a KMM may hold keys: no table, no branch */
            crc = crc >> 1 ^ (CRC_POLYNOMIAL & (0u - (crc & 1u)));
    }
    return (uint16_t)crc;
}

const char *keyfill_wire_opcode_name(unsigned opcode)
{
    switch (opcode) {
    case KEYFILL_WIRE_DISCONNECT_ACK:
        return "disconnect-ack";
    case KEYFILL_WIRE_DISCONNECT:
        return "disconnect";
    case KEYFILL_WIRE_READY_REQUEST:
        return "ready-request";
    case KEYFILL_WIRE_TRANSFER_DONE:
        return "transfer-done";
    case KEYFILL_WIRE_KMM:
        return "kmm";
    case KEYFILL_WIRE_READY_UNIT:
        return "ready-unit";
    case KEYFILL_WIRE_READY_LOADER:
        return "ready-loader";
    default:
        return NULL;
    }
}

static void decode_frame(kf_reader *r, keyfill_wire *out)
{
    size_t length_at = r->off;
    uint16_t length = kf_read_u16(r, "threewire.length");
    if (kf_reader_ok(r) && (length <= BODY_FIXED || length > BODY_FIXED + KEYFILL_WIRE_KMM_MAX)) {
        kf_reader_fail_at(r, length_at, KF_E_MALFORMED, "threewire.length");
        return;
    }
    kf_slice covered = { r->msg + r->off, (size_t)length - 2 };
    out->control = kf_read_u8(r, "threewire.control");
    out->rsi = kf_read_u24(r, "threewire.rsi");
    out->kmm = kf_read_slice(r, kf_reader_ok(r) ? length - BODY_FIXED : 0, "threewire.kmm");
    size_t crc_at = r->off;
    uint8_t low = kf_read_u8(r, "threewire.crc"), high = kf_read_u8(r, "threewire.crc");
    if (kf_reader_ok(r) && keyfill_wire_crc(covered) != (low | high << 8))
        kf_reader_fail_at(r, crc_at, KF_E_AUTH, "threewire.crc");
}

void keyfill_wire_decode(kf_reader *r, keyfill_wire *out)
{
    memset(out, 0, sizeof *out);
    uint8_t opcode = kf_read_u8(r, "threewire.opcode");
    if (kf_reader_ok(r) && keyfill_wire_opcode_name(opcode) == NULL)
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "threewire.opcode");
    if (kf_reader_ok(r)) {
        out->opcode = (keyfill_wire_opcode)opcode;
        if (opcode == KEYFILL_WIRE_KMM)
            decode_frame(r, out);
    }
    if (!kf_reader_ok(r))
        memset(out, 0, sizeof *out);
}

kf_err keyfill_wire_parse(kf_slice octets, keyfill_wire *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    keyfill_wire_decode(&r, out);
    kf_err err = kf_reader_end(&r, "threewire");
    if (err != KF_OK)
        memset(out, 0, sizeof *out);
    return err;
}

static bool is_sound(const keyfill_wire *wire)
{
    if (keyfill_wire_opcode_name(wire->opcode) == NULL)
        return false;
    if (wire->opcode != KEYFILL_WIRE_KMM)
        return wire->control == 0 && wire->rsi == 0 && wire->kmm.len == 0;
    return wire->rsi <= RSI_MAX && wire->kmm.len > 0 && wire->kmm.len <= KEYFILL_WIRE_KMM_MAX;
}

kf_err keyfill_wire_build(const keyfill_wire *wire, kf_writer *out)
{
    if (out->err != KF_OK)
        return out->err;
    if (!is_sound(wire))
        return KF_E_MALFORMED;
    size_t start = out->len;
    kf_write_u8(out, (uint8_t)wire->opcode);
    if (wire->opcode == KEYFILL_WIRE_KMM) {
        kf_write_u16(out, (uint16_t)(wire->kmm.len + BODY_FIXED));
        size_t covered = out->len;
        kf_write_u8(out, wire->control);
        kf_write_u24(out, wire->rsi);
        kf_write_slice(out, wire->kmm);
        if (out->err == KF_OK) {
            uint16_t crc = keyfill_wire_crc((kf_slice){ out->buf + covered, out->len - covered });
            kf_write_u8(out, (uint8_t)crc);
            kf_write_u8(out, (uint8_t)(crc >> 8));
        }
    }
    if (out->err != KF_OK)
        out->len = start;
    return out->err;
}

size_t keyfill_wire_keys_per_kmm(size_t key_octets)
{
    if (key_octets > KEYFILL_WIRE_KMM_MAX)
        return 0;
    return (KEYFILL_WIRE_KMM_MAX - MODIFY_KEY_HEAD) / (KEY_ITEM_HEAD + key_octets);
}
