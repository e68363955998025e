/** @file broker.h The broker's process as the vault sees it: start, question and answer, end.
 * Private. */
#ifndef SEAL_BROKER_H
#define SEAL_BROKER_H

#include <sys/types.h>

#include "base/secret.h"
#include "seal/token_message.h"

typedef struct broker {
    pid_t pid; /**< 0: none runs */
    int fd;    /**< non-blocking; -1 */
} broker;

/** How it went. */
typedef enum broker_result { BROKER_ANSWERED, BROKER_LATE, BROKER_DIED } broker_result;

/** Milliseconds of a clock that only goes forward. */
int64_t broker_now_ms(void);

/** Start the program. argv ends in NULL and holds no secret. */
KF_MUST_USE kf_err broker_start(broker *b, const char *const *argv);

/** Send what is in buffer (len octets, frame and all), and wipe all of it. */
broker_result broker_send(broker *b, kf_secret *buffer, size_t len, int64_t deadline_ms);

/** Has it begun to answer, or ended? Does not wait. */
bool broker_has_answer(const broker *b);

/**
 * Read its answer into buffer.
 * @param deadline_ms as broker_now_ms(). @param message the answer without its frame, in buffer.
 */
broker_result broker_receive(broker *b, kf_secret *buffer, int64_t deadline_ms, kf_slice *message);

/** Let it log out and end for at most patience_ms, then kill it; reaped in any case. */
void broker_end(broker *b, int64_t patience_ms);

#endif
