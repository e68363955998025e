/**
 * @file threewire.h Octets of the three-wire key-fill interface: opcodes and the frame that carries
 * a KMM. No serial driver, no timers.
 *
 * octets   field
 *  1       opcode C2
 *  2       length of all that follows: control, destination RSI, KMM, CRC
 *  1       control
 *  3       destination RSI
 *  1-512   KMM
 *  2       CRC-16 over control, destination RSI and KMM, low octet first
 *
 * Source: TIA-102.AACD-A, as in project facts 6.4.
 */
#ifndef KEYFILL_THREEWIRE_H
#define KEYFILL_THREEWIRE_H

#include "base/reader.h"
#include "base/writer.h"

/** Opcodes; all but KMM stand alone. */
typedef enum keyfill_wire_opcode {
    KEYFILL_WIRE_DISCONNECT_ACK = 0x90,
    KEYFILL_WIRE_DISCONNECT = 0x92,
    KEYFILL_WIRE_READY_REQUEST = 0xc0, /**< after the key signature */
    KEYFILL_WIRE_TRANSFER_DONE = 0xc1,
    KEYFILL_WIRE_KMM = 0xc2,
    KEYFILL_WIRE_READY_UNIT = 0xd0,   /**< answer of a subscriber unit */
    KEYFILL_WIRE_READY_LOADER = 0xd1, /**< answer of another key loader */
} keyfill_wire_opcode;

#define KEYFILL_WIRE_KMM_MAX        512u
#define KEYFILL_WIRE_OVERHEAD       9u    /**< octets of a frame beside the KMM */
#define KEYFILL_WIRE_BITS_PER_S     4000u /**< for whoever writes a driver */
#define KEYFILL_WIRE_IDLE_S         15u   /**< give up after that long without an octet */
#define KEYFILL_WIRE_IDLE_LEAST_S   5u
#define KEYFILL_WIRE_IDLE_MOST_S    30u
#define KEYFILL_WIRE_RSI_EVERYBODY  0xffffffu
#define KEYFILL_WIRE_CONTROL_NORMAL 0u

/** One octet or one frame from the wire. */
typedef struct keyfill_wire {
    keyfill_wire_opcode opcode;
    uint8_t control; /**< this and the rest: 0 unless the opcode is KMM */
    uint32_t rsi;
    kf_slice kmm; /**< borrowed */
} keyfill_wire;

/** CRC-16: reflected polynomial 8408, start FFFF, no final inversion. Goes out low octet first. */
uint16_t keyfill_wire_crc(kf_slice octets);

/** "ready-request", ... ; NULL for an octet that is no opcode. */
const char *keyfill_wire_opcode_name(unsigned opcode);

/** Decode one opcode or frame at the front of the reader; stops at the first fault. */
void keyfill_wire_decode(kf_reader *r, keyfill_wire *out);

/**
 * Read what came in, which must be one opcode or frame. Slices are borrowed from octets.
 * @return KF_E_TRUNCATED (wait for more), KF_E_TRAILING, KF_E_MALFORMED (length), KF_E_UNSUPPORTED
 * (no opcode), KF_E_AUTH when the CRC differs, which protects against a bad contact only.
 */
KF_MUST_USE kf_err keyfill_wire_parse(kf_slice octets, keyfill_wire *out, kf_fault *fault);

/**
 * Append an opcode, or a frame with its CRC when the opcode is KMM.
 * @return KF_E_MALFORMED for an empty or too long KMM, an RSI of more than 24 bits, anything but
 * zero beside a lone opcode, or no opcode; KF_E_NO_SPACE. Nothing is written on failure.
 */
KF_MUST_USE kf_err keyfill_wire_build(const keyfill_wire *wire, kf_writer *out);

/** How many keys of that many octets one Modify-Key message takes; 0 for keys that are too long. */
size_t keyfill_wire_keys_per_kmm(size_t key_octets);

#endif
