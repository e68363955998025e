/**
 * @file explain.h Any message we speak, octet by octet: ranges, names, values, meanings, clauses.
 *
 * The real decoders run with a trace attached (base/reader.h), so what is explained is what would
 * be accepted or refused. No I/O, no clock: the caller renders what the sink is told, as text
 * (explain_text_init()) or in another form.
 */
#ifndef EXPLAIN_EXPLAIN_H
#define EXPLAIN_EXPLAIN_H

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "keyfill/file.h"
#include "mikey/mikey.h"

/** Longest input, octets. */
#define EXPLAIN_INPUT_MAX (1u << 20)
/** Most fields shown of one input; the rest is counted. */
#define EXPLAIN_FIELDS_MAX 2048u
/** Longest value and meaning, octets of text. */
#define EXPLAIN_TEXT_MAX 320u

/** How the message was written. */
typedef enum explain_form {
    EXPLAIN_BINARY,
    EXPLAIN_HEX,
    EXPLAIN_BASE64,
    EXPLAIN_KEY_MGMT, /**< `a=key-mgmt:mikey ...` of RFC 4567, alone or in an SDP */
    EXPLAIN_XML,
} explain_form;

/** What the message is. */
typedef enum explain_kind {
    EXPLAIN_UNKNOWN,
    EXPLAIN_I_MESSAGE,    /**< MIKEY-SAKKE I_MESSAGE */
    EXPLAIN_PROTECTED,    /**< MCData Protected Payload */
    EXPLAIN_KEY_PARAMS,   /**< 3GPP key parameters, decrypted */
    EXPLAIN_KMS_XML,      /**< TS 33.180 annex D */
    EXPLAIN_CONTAINER,    /**< our sealed file, of a KMS domain or of keys */
    EXPLAIN_KMM,          /**< P25 key management message between KMF and subscriber */
    EXPLAIN_KMM_FILL,     /**< the same between a key fill device and a subscriber */
    EXPLAIN_DLI,          /**< KMM in a data-link independent datagram */
    EXPLAIN_DLD,          /**< encrypted KMM with the header of a data-link dependent PDU */
    EXPLAIN_INTERWORKING, /**< Interworking Security Data */
    EXPLAIN_ISSI,         /**< P25 voice, ISSI RTP packet */
    EXPLAIN_EKC,          /**< KFDtool's encrypted key container */
    EXPLAIN_THREE_WIRE,   /**< opcode or frame of the three-wire key fill interface */
} explain_kind;
#define EXPLAIN_KINDS (EXPLAIN_THREE_WIRE + 1)

/** "i-message", "protected-payload", "key-parameters", "kms-xml", "container", "kmm",
 * "kmm-keyfill", "dli", "dld", "interworking", "issi-rtp", "ekc", "three-wire", "unknown". */
const char *explain_kind_name(explain_kind kind);
/** The kind of that name; EXPLAIN_UNKNOWN when there is none. */
explain_kind explain_kind_named(kf_slice name);
/** "binary", "hex", "base64", "key-mgmt", "xml". */
const char *explain_form_name(explain_form form);

/** What was recognised, and by what. Literals. */
typedef struct explain_found {
    explain_form form;
    const char *form_because;
    explain_kind kind;
    const char *kind_because;
    size_t at;  /**< where in the input the message is written */
    size_t len; /**< octets of the input it takes there */
} explain_found;

/** A run of octets with a format of its own: the message, or something inside it. */
typedef struct explain_layer {
    const char *name;
    const char *clause;
    unsigned depth;  /**< 0: the message itself */
    size_t base;     /**< where in the layer above it starts; 0 for the message */
    bool decrypted;  /**< its octets are not those of the layer above */
    kf_slice octets; /**< borrowed for the call */
} explain_layer;

/** One field of the layer told last. Texts are escaped, bounded, valid for the call. */
typedef struct explain_field {
    const char *field;   /**< the decoder's literal, such as "HDR.version" */
    size_t at, len;      /**< octets of the layer; ranges of one layer do not overlap */
    const char *value;   /**< hex or text, cut when long */
    const char *meaning; /**< may be empty */
    const char *clause;
} explain_field;

/** Receives what is found, in order. Every function must be set. */
typedef struct explain_sink {
    void (*found)(struct explain_sink *sink, const explain_found *found);
    void (*layer)(struct explain_sink *sink, const explain_layer *layer);
    void (*field)(struct explain_sink *sink, const explain_field *field);
    void (*note)(struct explain_sink *sink, const char *text);
    /** The message is bad: where, and in which layer (the last told). Told once, at the end. */
    void (*fault)(struct explain_sink *sink, const kf_fault *fault, const char *meaning);
} explain_sink;

typedef struct explain_options {
    explain_kind as; /**< EXPLAIN_UNKNOWN: recognise */
    kf_time near;    /**< unfolds 32-bit NTP seconds; the caller's now */
    /** Opens I_MESSAGEs: their signature is checked and their key parameters decrypted. NULL: not.
     */
    const mikey_receiver *receiver;
    /** P25 keys: layers that they open are opened, MACs checked. NULL: not. */
    const keyfill_file *keys;
    /** Opens the message itself when it is a key file. Empty: not. */
    kf_slice passphrase;
} explain_options;

/**
 * Explain one message.
 * @param fault the fault that was also told to the sink.
 * @return KF_OK for a good message; KF_E_UNSUPPORTED with field "message" when it is not
 * recognised; KF_E_NO_SPACE when the input is too long; else the first failure of its decoder.
 */
KF_MUST_USE kf_err explain_message(kf_slice input, const explain_options *options,
                                   explain_sink *sink, kf_fault *fault);

/**
 * Only find the message and undo its text form: what `mikey open` reads.
 * @param out its octets, in locked memory since nothing is known of them. Caller frees.
 * @return KF_E_MALFORMED for broken base64, KF_E_NO_SPACE, KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err explain_unwrap(kf_slice input, explain_found *found, kf_secret **out,
                                  kf_fault *fault);

/** Does the table know this field of a decoder? For tests: every literal must be in it. */
bool explain_knows_field(const char *field);

/** Renders as text for people. */
typedef struct explain_text {
    explain_sink sink; /**< first: pass &text.sink to explain_message() */
    void (*write)(void *ctx, const char *text, size_t len);
    void *ctx;
    unsigned depth;
} explain_text;

void explain_text_init(explain_text *text, void (*write)(void *ctx, const char *text, size_t len),
                       void *ctx);

#endif
