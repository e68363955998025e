#include "sandbox.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <seccomp.h>

#include "base/slice.h"

#ifndef KF_SANITIZED

/* Files, memory, threads, time, the event loop, sockets that are there, and what libc needs to say
 * how it is. Nothing here makes a process, a socket to elsewhere, or memory that can be run. */
static const int always[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(lseek),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents64),
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchown),
    SCMP_SYS(umask),
    SCMP_SYS(utimensat),
    SCMP_SYS(ioctl),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(msync),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(munlock),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(tgkill),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    SCMP_SYS(prlimit64),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(prctl),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(dup),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(shutdown),
};

/* To a store on another machine: also names, by DNS. */
static const int for_network[] = {
    SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg),
};

/* To start a program, and what programs do first. Modules of tokens talk to daemons and devices. */
static const int for_broker[] = {
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(execve),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    SCMP_SYS(kill),
    SCMP_SYS(socketpair),
    SCMP_SYS(socket),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(pipe),
    SCMP_SYS(close_range),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(setrlimit),
    SCMP_SYS(setsid),
    SCMP_SYS(setpgid),
    SCMP_SYS(getpgrp),
    SCMP_SYS(getresuid),
    SCMP_SYS(getresgid),
    SCMP_SYS(getgroups),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(fadvise64),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(epoll_create),
    SCMP_SYS(eventfd),
    SCMP_SYS(fchmodat),
    SCMP_SYS(fchdir),
    SCMP_SYS(chdir),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(semget),
    SCMP_SYS(semop),
    SCMP_SYS(semctl),
    SCMP_SYS(shmget),
    SCMP_SYS(shmat),
    SCMP_SYS(shmdt),
    SCMP_SYS(shmctl),
};

static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int bad = 0;
    for (size_t i = 0; bad == 0 && i < count; i++)
        bad = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return bad;
}

/* Memory that can be run: refused, not deadly, since name services try to load their modules. */
static int guard_memory(scmp_filter_ctx filter)
{
    static const int calls[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };
    int bad = 0;
    for (size_t i = 0; bad == 0 && i < KF_COUNT(calls); i++) {
        bad = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        if (bad == 0)
            bad = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), calls[i], 1,
                                   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    }
    return bad;
}

/* A local socket to send to the service manager by; or none, as a refusal, since libc asks the name
 * service's cache that way and goes on without it. */
static int guard_sockets(scmp_filter_ctx filter, bool notify)
{
    return seccomp_rule_add(filter, notify ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES),
                            SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
}

static int fill(scmp_filter_ctx filter, const sandbox_needs *needs)
{
    int bad = allow(filter, always, KF_COUNT(always));
    if (bad == 0 && needs->network)
        bad = allow(filter, for_network, KF_COUNT(for_network));
    if (bad == 0 && needs->broker)
        bad = allow(filter, for_broker, KF_COUNT(for_broker));
    if (bad == 0 && !needs->network && !needs->broker)
        bad = guard_sockets(filter, needs->notify);
    if (bad == 0 && needs->broker) {
        static const int memory[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };
        bad = allow(filter, memory, KF_COUNT(memory));
    }
    return bad == 0 && !needs->broker ? guard_memory(filter) : bad;
}

kf_err sandbox_enter(const sandbox_needs *needs)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return KF_E_BACKEND;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        return KF_E_BACKEND;
    int bad = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); /* the threads that are there */
    if (bad == 0)
        bad = fill(filter, needs);
    if (bad == 0)
        bad = seccomp_load(filter);
    seccomp_release(filter);
    return bad == 0 ? KF_OK : KF_E_BACKEND;
}

#else

kf_err sandbox_enter(const sandbox_needs *needs)
{
    (void)needs; /* sanitizers trace, and map what they like */
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? KF_OK : KF_E_BACKEND;
}

#endif
