/** @file sandbox.h What the daemon may ask of the kernel, once everything is open (seccomp). */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

#include "base/err.h"

typedef struct sandbox_needs {
    bool network; /**< connects to a store over a socket */
    bool notify;  /**< tells a service manager how it is */
    bool broker;  /**< starts the token's broker, which works under the same filter */
} sandbox_needs;

/**
 * From now on all threads, and what they start, get only the system calls of a list; any other one
 * ends the process with SIGSYS. Irrevocable; no new privileges either.
 * @return KF_E_BACKEND when the kernel does not do it. In a build with sanitizers: nothing.
 */
KF_MUST_USE kf_err sandbox_enter(const sandbox_needs *needs);

#endif
