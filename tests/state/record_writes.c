/*
 * Preloaded into a process: writes down, in the order in which they happen, all changes of files in one folder, and drops every sync,
 * so that a test can build what the disk may hold after a power cut at any of these moments.
 *
 * PROMLET_RECORD_FOLDER names the folder (as the process will spell it), PROMLET_RECORD_TO the file that receives the records:
 * one byte of kind, then descriptor (u32), number (u64), length (u64), all in the machine's order, then so many bytes.
 *
 *   'o'  a file is opened: number is 1 where it is cut to nothing; bytes are its name, "." for the folder itself
 *   'w'  bytes are written at the offset `number`
 *   't'  the file is cut or grown to `number` bytes
 *   's'  the file, or the folder's list of names, is asked to be synced
 *   'u'  the file of this name is removed
 *   'r'  a file is renamed: old name, a zero byte, new name
 *
 * SQLite's index of its log ("-shm") is left out: it is shared memory, and rebuilt by the first process that opens the database.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DESCRIPTORS 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static size_t folder_length;
static int out = -1;
static unsigned char followed[DESCRIPTORS];

__attribute__((constructor)) static void begin(void) {
    const char *to = getenv("PROMLET_RECORD_TO");
    folder = getenv("PROMLET_RECORD_FOLDER");
    if (!folder || !to) return;
    folder_length = strlen(folder);
    out = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void put(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t done = syscall(SYS_write, out, at, length);
        if (done <= 0) abort();
        at += done;
        length -= (size_t)done;
    }
}

static void record(char kind, int fd, uint64_t number, const void *bytes, uint64_t length) {
    char head[21];
    uint32_t descriptor = (uint32_t)fd;
    head[0] = kind;
    memcpy(head + 1, &descriptor, 4);
    memcpy(head + 5, &number, 8);
    memcpy(head + 13, &length, 8);
    put(head, sizeof head);
    put(bytes, length);
}

/* The name inside the folder, or NULL for what is elsewhere. */
static const char *name_of(const char *path) {
    if (out < 0 || strncmp(path, folder, folder_length) != 0) return NULL;
    const char *rest = path + folder_length;
    if (*rest == 0) return ".";
    size_t length = strlen(rest);
    if (*rest != '/' || (length > 4 && strcmp(rest + length - 4, "-shm") == 0)) return NULL;
    return rest + 1;
}

static int is_followed(int fd) { return out >= 0 && fd >= 0 && fd < DESCRIPTORS && followed[fd]; }

static int opened(const char *path, int flags, mode_t mode) {
    const char *name = name_of(path);
    if (!name) return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&lock);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= DESCRIPTORS) abort();
    if (fd >= 0) {
        followed[fd] = 1;
        record('o', fd, (flags & O_TRUNC) != 0, name, strlen(name));
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define OPEN(NAME)                                   \
    int NAME(const char *path, int flags, ...) {     \
        va_list rest;                                \
        va_start(rest, flags);                       \
        mode_t mode = va_arg(rest, mode_t);          \
        va_end(rest);                                \
        return opened(path, flags, mode);            \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    pthread_mutex_lock(&lock);
    if (is_followed(fd)) followed[fd] = 0;
    int done = (int)syscall(SYS_close, fd);
    pthread_mutex_unlock(&lock);
    return done;
}

static ssize_t written_at(int fd, const void *bytes, size_t length, off_t offset) {
    pthread_mutex_lock(&lock);
    ssize_t done = syscall(SYS_pwrite64, fd, bytes, length, offset);
    if (done > 0 && is_followed(fd)) record('w', fd, (uint64_t)offset, bytes, (uint64_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return written_at(fd, bytes, length, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return written_at(fd, bytes, length, offset); }

ssize_t write(int fd, const void *bytes, size_t length) {
    if (!is_followed(fd)) return syscall(SYS_write, fd, bytes, length);
    pthread_mutex_lock(&lock);
    ssize_t done = syscall(SYS_write, fd, bytes, length);
    /* Where it went: behind it the position is at its end, appended or not. */
    if (done > 0) record('w', fd, (uint64_t)(syscall(SYS_lseek, fd, 0, SEEK_CUR) - done), bytes, (uint64_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

static int cut(int fd, off_t size) {
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_ftruncate, fd, size);
    if (done == 0 && is_followed(fd)) record('t', fd, (uint64_t)size, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off64_t size) { return cut(fd, size); }

static int synced(int fd) {
    if (!is_followed(fd)) return (int)syscall(SYS_fsync, fd);
    pthread_mutex_lock(&lock);
    record('s', fd, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd) { return synced(fd); }
int fdatasync(int fd) { return synced(fd); }

int unlink(const char *path) {
    const char *name = name_of(path);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (done == 0 && name) record('u', 0, 0, name, strlen(name));
    pthread_mutex_unlock(&lock);
    return done;
}

int rename(const char *from, const char *to) {
    const char *old = name_of(from), *new = name_of(to);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (done == 0 && old && new) {
        char names[512];
        size_t first = strlen(old) + 1, second = strlen(new);
        if (first + second > sizeof names) abort();
        memcpy(names, old, first);
        memcpy(names + first, new, second);
        record('r', 0, 0, names, first + second);
    }
    pthread_mutex_unlock(&lock);
    return done;
}
