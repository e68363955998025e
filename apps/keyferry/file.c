#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define FIRST_OCTETS   4096u
#define PATH_OCTETS    4096u
#define PASSPHRASE_MAX 1024u

static cli_status refuse(const cli_call *call, const char *field, const char *what,
                         const char *path, const char *why, const char *remedy)
{
    out_error e = out_error_of(KF_E_BACKEND);
    e.code = "file";
    e.field = field;
    out_what(&e, "%s %s", what, path);
    out_why(&e, "%s", why);
    out_do(&e, "%s", remedy);
    out_report(call->out, &e);
    return CLI_REFUSED;
}

/* --- reading ---------------------------------------------------------------------------------- */

static ssize_t read_some(int fd, uint8_t *to, size_t len)
{
    ssize_t n = 0;
    do
        n = read(fd, to, len);
    while (n < 0 && errno == EINTR);
    return n;
}

/* The content with room for one octet more. */
static kf_err grow(kf_secret **content, size_t used, size_t room)
{
    kf_secret *more = NULL;
    kf_err err = kf_secret_new(room, &more);
    if (err != KF_OK)
        return err;
    if (used > 0)
        memcpy(kf_secret_edit(more), kf_secret_view(*content).ptr, used);
    kf_secret_free(content);
    *content = more;
    return KF_OK;
}

typedef enum read_result { READ_OK, READ_SYSTEM, READ_TOO_LONG, READ_NO_MEMORY } read_result;

static read_result read_all(int fd, size_t max, kf_secret **out)
{
    kf_secret *content = NULL;
    size_t used = 0, room = 0;
    ssize_t n = 0;
    read_result result = READ_OK;

    do {
        if (used == room) {
            room = room == 0 ? FIRST_OCTETS : room * 2;
            room = room > max + 1 ? max + 1 : room;
            if (grow(&content, used, room) != KF_OK) {
                result = READ_NO_MEMORY;
                break;
            }
        }
        n = read_some(fd, kf_secret_edit(content) + used, room - used);
        used += n > 0 ? (size_t)n : 0;
    } while (n > 0 && used <= max);
    if (result == READ_OK)
        result = n < 0 ? READ_SYSTEM : used > max ? READ_TOO_LONG : READ_OK;
    if (result == READ_OK &&
        kf_secret_new_copy((kf_slice){ kf_secret_view(content).ptr, used }, out) != KF_OK)
        result = READ_NO_MEMORY;
    kf_secret_free(&content);
    return result;
}

static cli_status read_report(const cli_call *call, const char *field, const char *path, size_t max,
                              read_result result)
{
    char why[128];
    switch (result) {
    case READ_OK:
        break;
    case READ_SYSTEM:
        return refuse(call, field, "cannot read", path, strerror(errno),
                      "check the name and that you may read it");
    case READ_TOO_LONG:
        snprintf(why, sizeof why, "it is longer than %zu octets, the most that is read here", max);
        return refuse(call, field, "will not read", path, why, "give the right file");
    case READ_NO_MEMORY:
        return cli_give_up(call, field, KF_E_NO_MEMORY);
    }
    return CLI_DONE;
}

cli_status file_read(const cli_call *call, const char *field, const char *path, size_t max,
                     kf_secret **out)
{
    *out = NULL;
    if (strcmp(path, "-") == 0)
        return read_report(call, field, "standard input", max, read_all(STDIN_FILENO, max, out));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return read_report(call, field, path, max, READ_SYSTEM);
    read_result result = read_all(fd, max, out);
    int saved = errno;
    close(fd);
    errno = saved;
    return read_report(call, field, path, max, result);
}

void file_warn_if_open(const cli_call *call, const char *path)
{
    struct stat s;
    if (strcmp(path, "-") == 0 || stat(path, &s) != 0 || !S_ISREG(s.st_mode) ||
        (s.st_mode & (S_IRGRP | S_IROTH)) == 0)
        return;
    out_say(call->out, "warning: others may read %s, which holds keys; run: chmod 600 %s", path,
            path);
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool write_all(int fd, kf_slice content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.ptr, content.len);
        if (n < 0 && errno != EINTR)
            return false;
        content = n < 0 ? content : kf_slice_part(content, (size_t)n, content.len);
    }
    return fsync(fd) == 0;
}

/* The name itself must reach the disk too. Not every file system can: no reason to refuse. */
static void sync_directory(const char *path)
{
    char copy[PATH_OCTETS];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

static bool move_in(const char *from, const char *to, file_exists exists)
{
    if (exists == FILE_REPLACE)
        return rename(from, to) == 0;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    return link(from, to) == 0 && unlink(from) == 0; /* a file system without that flag */
}

cli_status file_write(const cli_call *call, const char *field, const char *path, kf_slice content,
                      file_exists exists)
{
    char temp[PATH_OCTETS];
    int n = snprintf(temp, sizeof temp, "%s.XXXXXX", path);
    int fd = -1;
    if (n < 0 || (size_t)n >= sizeof temp)
        errno = ENAMETOOLONG;
    else
        fd = mkostemp(temp, O_CLOEXEC); /* mode 0600, O_EXCL */
    if (fd < 0)
        return refuse(call, field, "cannot create", path, strerror(errno),
                      "check that its directory exists and that you may write there");
    bool ok = write_all(fd, content);
    int saved = errno;
    if (close(fd) != 0 && ok) {
        saved = errno;
        ok = false;
    }
    if (ok && !move_in(temp, path, exists)) {
        saved = errno;
        ok = false;
    }
    if (!ok) {
        (void)unlink(temp);
        return refuse(call, field, "cannot write", path, strerror(saved),
                      saved == EEXIST ? "give another name, or move the old file away"
                                      : "make room or choose another place; nothing was written");
    }
    sync_directory(path);
    return CLI_DONE;
}

cli_status file_check_free(const cli_call *call, const char *field, const char *path)
{
    struct stat s;
    if (lstat(path, &s) != 0)
        return CLI_DONE;
    return refuse(call, field, "will not overwrite", path, strerror(EEXIST),
                  "give another name, or move the old file away");
}

/* --- passphrase ------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

static read_result read_line_tty(kf_secret **out)
{
    kf_secret *line = NULL;
    if (kf_secret_new(PASSPHRASE_MAX, &line) != KF_OK)
        return READ_NO_MEMORY;
    ssize_t n = read(STDIN_FILENO, kf_secret_edit(line), PASSPHRASE_MAX);
    read_result result = n < 0 ? READ_SYSTEM : READ_OK;
    if (result == READ_OK &&
        kf_secret_new_copy((kf_slice){ kf_secret_view(line).ptr, (size_t)n }, out) != KF_OK)
        result = READ_NO_MEMORY;
    kf_secret_free(&line);
    return result;
}

/* One line from the terminal without echo, which is switched on again also when interrupted. */
static read_result prompt(const cli_call *call, const char *text, kf_secret **out)
{
    struct termios before, quiet;
    struct sigaction catch = { .sa_handler = on_signal }, old_int, old_term;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return READ_SYSTEM;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    interrupted = 0;
    sigaction(SIGINT, &catch, &old_int);
    sigaction(SIGTERM, &catch, &old_term);
    read_result result = READ_SYSTEM;
    /* Quiet before the prompt: what is typed as soon as it shows must be neither echoed nor lost.
     */
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0) {
        fprintf(call->out->talk, "%s: ", text);
        fflush(call->out->talk);
        result = read_line_tty(out);
    }
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', call->out->talk);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    if (interrupted != 0) {
        kf_secret_free(out);
        raise(interrupted);
    }
    return result;
}

/* Exactly one line, not empty; the newline is dropped. NULL when good, else why not. */
static const char *one_line(kf_secret **line)
{
    kf_slice s = kf_secret_view(*line);
    const uint8_t *end = s.len == 0 ? NULL : memchr(s.ptr, '\n', s.len);
    size_t len = end == NULL ? s.len : (size_t)(end - s.ptr);
    if (end != NULL && len + 1 != s.len)
        return "it has more than one line";
    if (len > 0 && s.ptr[len - 1] == '\r')
        len--;
    if (len == 0)
        return "it is empty";
    kf_secret *trimmed = NULL;
    if (kf_secret_new_copy((kf_slice){ s.ptr, len }, &trimmed) != KF_OK)
        return "no memory that can be locked is left";
    kf_secret_free(line);
    *line = trimmed;
    return NULL;
}

static read_result from_terminal(const cli_call *call, bool twice, kf_secret **out,
                                 const char **fault)
{
    kf_secret *again = NULL;
    read_result result = prompt(call, "Passphrase", out);
    if (result == READ_OK && twice)
        result = prompt(call, "Again", &again);
    if (result == READ_OK && twice && !kf_secret_equal(*out, again))
        *fault = "the two entries differ";
    kf_secret_free(&again);
    return result;
}

static cli_status passphrase(const cli_call *call, const char *field, const char *path, bool twice,
                             kf_secret **out)
{
    const char *fault = NULL;
    cli_status status;

    *out = NULL;
    if (path != NULL) {
        file_warn_if_open(call, path);
        status = file_read(call, field, path, PASSPHRASE_MAX, out);
    } else if (isatty(STDIN_FILENO)) {
        status = read_report(call, "passphrase", "the passphrase", PASSPHRASE_MAX,
                             from_terminal(call, twice, out, &fault));
    } else {
        status = file_read(call, "passphrase", "-", PASSPHRASE_MAX, out);
    }
    if (status == CLI_DONE && fault == NULL)
        fault = one_line(out);
    if (status != CLI_DONE || fault == NULL)
        return status;
    kf_secret_free(out);
    return refuse(call, "passphrase", "will not use", path == NULL ? "the passphrase" : path, fault,
                  "give a file with one line of text, or that line on standard input");
}

cli_status file_passphrase(const cli_call *call, bool twice, kf_secret **out)
{
    return passphrase(call, "passphrase-file", cli_text(call, "passphrase-file"), twice, out);
}

cli_status file_passphrase_at(const cli_call *call, const char *field, const char *path,
                              kf_secret **out)
{
    return passphrase(call, field, strcmp(path, "-") == 0 ? NULL : path, false, out);
}
