/**
 * @file csv.h Import of keys from a spreadsheet saved as CSV. The keys in it are readable, so the
 * result always carries the warning KEYFILL_CLEAR_KEYS.
 *
 * The first line names the columns, in any order, in letters of either case:
 *
 *  name     any text; may be absent or empty
 *  keyset   1 to 255 in decimal, or the word active
 *  sln      decimal; the column may be called ckr
 *  type     TEK, KEK or auto (also empty); may be absent
 *  kid      exactly four hexadecimal digits: a spreadsheet that dropped zeros is noticed
 *  algid    exactly two hexadecimal digits, or a name such as AES-256
 *  key      hexadecimal, two digits an octet, nothing between them
 *  rsi      decimal; whose KEK it is; may be absent or empty
 *  group    name of a group to put the key in; may be absent or empty
 *
 * The separator is the first comma, semicolon or tab of that line. Lines end in LF or CR LF; empty
 * ones are skipped. A field may be in double quotes, with "" for a quote inside; line breaks inside
 * are refused, and so are quotes inside a key.
 */
#ifndef KEYFILL_CSV_H
#define KEYFILL_CSV_H

#include "keyfill/check.h"
#include "keyfill/file.h"

#define KEYFILL_CSV_OCTETS_MAX (1u << 20)

/** Where and why. Holds no keys. */
typedef struct keyfill_csv_fault {
    kf_fault fault;  /**< at: octet offset in the file; field: "csv.kid" and the like */
    size_t line;     /**< from 1; empty lines count */
    size_t column;   /**< first octet of the field in its line, from 1 */
    const char *why; /**< a sentence; a literal */
} keyfill_csv_fault;

/**
 * Read a file. Numbers that are well written but out of range are left to keyfill_check(). Caller
 * clears *out, which is empty on failure, and wipes the octets.
 * @param findings the warning, and what else there is to say, is appended.
 * @return KF_E_MALFORMED, KF_E_TRUNCATED (a quote is not closed), KF_E_NO_SPACE (too large),
 * KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err keyfill_csv_read(kf_slice octets, keyfill_file *out, keyfill_findings *findings,
                                    keyfill_csv_fault *fault);

#endif
