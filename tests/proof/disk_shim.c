/* A disk that fails, for LD_PRELOAD: it sees what a program writes below one
 * folder, and at a given system call the power is cut, or the call fails.
 *
 *   HERALD_DISK         the folder; nothing happens without it. A folder of the
 *                       same name and ".spare" beside it keeps deleted files.
 *   HERALD_DISK_SEED    of what is kept and lost
 *   HERALD_DISK_CUT     n: the power is cut at the n-th call that writes, syncs
 *                       or changes a folder
 *   HERALD_DISK_LIE     1: syncs say that all is well and do nothing
 *   HERALD_DISK_FAIL    EIO, ENOSPC, EROFS (as after a remount), EINTR or
 *                       SHORT (a write writes half)
 *   HERALD_DISK_FAIL_AT n: ... at the n-th such call
 *   HERALD_DISK_FAILS   how many calls from there on fail (1)
 *   HERALD_DISK_COUNT   a file of 8 bytes in which the calls are counted
 *
 * The file always holds the newest bytes, so that whoever reads it is right.
 * What was there before is kept until a sync of the file. When the power is
 * cut, each write since then is kept, undone, or torn (each sector of 512 bytes
 * is kept or undone), the newest first; then the process kills itself.
 * Descriptors with O_SYNC or O_DSYNC write what stays. New, renamed and deleted
 * names stay with a sync of their folder; without one the latest of them are
 * undone, as a journal would.
 *
 * Not seen: stores into a writable shared mapping. Files with "lock" in their
 * name and sockets are left alone. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { sector = 512, fds_max = 4096 };

/* A file below the folder, with a descriptor of our own that stays open. */
struct file {
  struct file* next;
  dev_t device;
  ino_t inode;
  int handle;
};

enum kind { wrote, resized, created, renamed, removed };

/* Something that a sync has not made to stay yet. */
struct change {
  struct change* older;
  enum kind kind;
  uint64_t number;
  /* wrote, resized: */
  struct file* file;
  off_t at;
  size_t size;
  char* before;
  size_t before_size;
  off_t end_before;
  /* names: */
  int folder, to_folder;
  ino_t folder_inode, to_inode;
  char *name, *to_name, *spare;
  int is_folder;
};

enum state { unknown, foreign, ours };
struct descriptor {
  enum state state;
  struct file* file;
  int durable;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char root[4096];
static size_t root_size;
static struct file* files;
static struct change* newest;
static uint64_t changes;
static struct descriptor fds[fds_max];
static uint64_t random_state = 1;
static uint64_t cut_at, fail_at, fails = 1, own_count;
static uint64_t* count = &own_count;
static int lies, fail_code, fail_short;
static __thread int inside;

static uint64_t number_of(const char* name) {
  const char* text = getenv(name);
  return text ? strtoull(text, 0, 10) : 0;
}

__attribute__((constructor)) static void start(void) {
  const char* folder = getenv("HERALD_DISK");
  if (!folder || strlen(folder) >= sizeof root)
    return;
  strcpy(root, folder);
  root_size = strlen(root);
  random_state
    = number_of("HERALD_DISK_SEED") * 2654435761u + 88172645463325252u;
  cut_at = number_of("HERALD_DISK_CUT");
  lies = (int)number_of("HERALD_DISK_LIE");
  fail_at = number_of("HERALD_DISK_FAIL_AT");
  if (getenv("HERALD_DISK_FAILS"))
    fails = number_of("HERALD_DISK_FAILS");
  const char* how = getenv("HERALD_DISK_FAIL");
  if (how) {
    fail_short = strcmp(how, "SHORT") == 0;
    fail_code = strcmp(how, "ENOSPC") == 0 ? ENOSPC
      : strcmp(how, "EROFS") == 0          ? EROFS
      : strcmp(how, "EINTR") == 0          ? EINTR
                                           : EIO;
  }
  const char* counter = getenv("HERALD_DISK_COUNT");
  if (counter) {
    int file = (int)syscall(
      SYS_openat, AT_FDCWD, counter, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0 && syscall(SYS_ftruncate, file, 8) == 0) {
      void* at = mmap(0, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
      if (at != MAP_FAILED)
        count = at;
    }
  }
}

static void* zeroed(size_t size) {
  void* memory = calloc(1, size ? size : 1);
  if (!memory)
    abort();
  return memory;
}

static uint64_t draw(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state >> 11;
}

/* Every entry takes the lock; what libc calls in between is left alone. */
static void enter(void) {
  inside = 1;
  pthread_mutex_lock(&mutex);
}
static void leave(void) {
  int code = errno;
  pthread_mutex_unlock(&mutex);
  inside = 0;
  errno = code;
}
static int sleeps(void) {
  return root_size == 0 || inside;
}

/* -- which files ----------------------------------------------------------- */

static int below_root(const char* path) {
  return strncmp(path, root, root_size) == 0
    && (path[root_size] == '/' || path[root_size] == 0);
}

static int is_left_alone(const char* path) {
  const char* name = strrchr(path, '/');
  name = name ? name + 1 : path;
  return strstr(name, "lock") || strstr(name, ".sock");
}

static int path_of(int fd, char* to, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t got = syscall(SYS_readlinkat, AT_FDCWD, link, to, size - 1);
  if (got <= 0)
    return 0;
  to[got] = 0;
  return 1;
}

static struct file* file_of(const struct stat* status, const char* path) {
  for (struct file* each = files; each; each = each->next)
    if (each->device == status->st_dev && each->inode == status->st_ino)
      return each;
  struct file* file = zeroed(sizeof *file);
  file->device = status->st_dev;
  file->inode = status->st_ino;
  file->handle
    = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (file->handle < 0) {
    free(file);
    return 0;
  }
  file->next = files;
  files = file;
  return file;
}

/* The descriptor, if it is one of a file below the folder. */
static struct descriptor* look_up(int fd) {
  if (fd < 0 || fd >= fds_max)
    return 0;
  struct descriptor* known = &fds[fd];
  if (known->state == foreign)
    return 0;
  struct stat status;
  if (syscall(SYS_fstat, fd, &status) != 0)
    return 0;
  if (known->state == ours && known->file->device == status.st_dev
    && known->file->inode == status.st_ino)
    return known;
  char path[4096];
  known->state = foreign;
  if (!S_ISREG(status.st_mode) || !path_of(fd, path, sizeof path)
    || !below_root(path) || is_left_alone(path))
    return 0;
  known->file = file_of(&status, path);
  if (!known->file)
    return 0;
  known->state = ours;
  known->durable
    = ((int)syscall(SYS_fcntl, fd, F_GETFL) & (O_SYNC | O_DSYNC)) != 0;
  return known;
}

static void forget_descriptor(int fd) {
  if (fd >= 0 && fd < fds_max)
    fds[fd].state = unknown;
}

/* -- what has not stayed yet ----------------------------------------------- */

static off_t end_of(struct file* file) {
  struct stat status;
  return syscall(SYS_fstat, file->handle, &status) == 0 ? status.st_size : 0;
}

static struct change* add(enum kind kind) {
  struct change* change = zeroed(sizeof *change);
  change->kind = kind;
  change->number = ++changes;
  change->older = newest;
  newest = change;
  return change;
}

static size_t read_old(struct file* file, off_t at, char* to, size_t size) {
  size_t have = 0;
  while (have < size) {
    ssize_t got = syscall(
      SYS_pread64, file->handle, to + have, size - have, at + (off_t)have);
    if (got <= 0)
      break;
    have += (size_t)got;
  }
  return have;
}

static void remember_write(struct file* file, off_t at, size_t size) {
  struct change* change = add(wrote);
  change->file = file;
  change->at = at;
  change->size = size;
  change->end_before = end_of(file);
  change->before = zeroed(size);
  change->before_size = read_old(file, at, change->before, size);
}

static void remember_resize(struct file* file, off_t size) {
  struct change* change = add(resized);
  change->file = file;
  change->end_before = end_of(file);
  change->at = size;
  if (size < change->end_before) {
    change->size = (size_t)(change->end_before - size);
    change->before = zeroed(change->size);
    change->before_size = read_old(file, size, change->before, change->size);
  }
}

/* What is written through a durable descriptor stays whatever is undone. */
static void keep_durable(struct file* file, off_t at, size_t size) {
  for (struct change* each = newest; each; each = each->older) {
    if (each->file != file || each->kind != wrote)
      continue;
    off_t from = at > each->at ? at : each->at;
    off_t until = at + (off_t)size;
    if (until > each->at + (off_t)each->before_size)
      until = each->at + (off_t)each->before_size;
    if (from < until)
      read_old(
        file, from, each->before + (from - each->at), (size_t)(until - from));
    if (each->end_before < at + (off_t)size)
      each->end_before = at + (off_t)size;
  }
}

static void release(struct change* change) {
  if (change->spare)
    syscall(SYS_unlinkat, AT_FDCWD, change->spare, 0);
  if (change->kind >= created)
    syscall(SYS_close, change->folder);
  if (change->kind == renamed)
    syscall(SYS_close, change->to_folder);
  free(change->before);
  free(change->name);
  free(change->to_name);
  free(change->spare);
  free(change);
}

/* Forgets what a sync of that file or folder has made to stay. */
static void forget(struct file* file, ino_t folder, uint64_t until) {
  for (struct change** at = &newest; *at;) {
    struct change* each = *at;
    ino_t home = each->kind == renamed ? each->to_inode : each->folder_inode;
    int is_meant = each->kind < created ? file && each->file == file
                                        : folder && home == folder;
    if (!is_meant || each->number > until) {
      at = &each->older;
      continue;
    }
    *at = each->older;
    release(each);
  }
}

/* -- the power is cut ------------------------------------------------------ */

static void write_back(struct change* change, size_t from, size_t size) {
  /* What lay behind the end of the file reads as zeros again. */
  syscall(SYS_pwrite64, change->file->handle, change->before + from, size,
    change->at + (off_t)from);
}

static void undo_write(struct change* change, int torn) {
  off_t end = change->at + (off_t)change->size;
  if (!torn) {
    write_back(change, 0, change->size);
    if (change->end_before < end && end_of(change->file) == end)
      syscall(SYS_ftruncate, change->file->handle, change->end_before);
    return;
  }
  for (off_t at = change->at; at < end;) {
    off_t next = at / sector * sector + sector;
    if (next > end)
      next = end;
    if (draw() % 2)
      write_back(change, (size_t)(at - change->at), (size_t)(next - at));
    at = next;
  }
}

static void undo_resize(struct change* change) {
  if (end_of(change->file) != change->at)
    return;
  syscall(SYS_ftruncate, change->file->handle, change->end_before);
  if (change->before)
    write_back(change, 0, change->size);
}

static void undo_name(struct change* change) {
  if (change->kind == created)
    syscall(SYS_unlinkat, change->folder, change->name,
      change->is_folder ? AT_REMOVEDIR : 0);
  if (change->kind == renamed)
    syscall(SYS_renameat2, change->to_folder, change->to_name, change->folder,
      change->name, 0);
  if (change->kind == removed && change->is_folder)
    syscall(SYS_mkdirat, change->folder, change->name, 0755);
  if (change->spare)
    syscall(SYS_renameat2, AT_FDCWD, change->spare,
      change->kind == renamed ? change->to_folder : change->folder,
      change->kind == renamed ? change->to_name : change->name, 0);
}

static void undo_some(void) {
  uint64_t names = 0;
  for (struct change* each = newest; each; each = each->older)
    names += each->kind >= created;
  uint64_t names_lost = draw() % (names + 1);
  uint64_t style = draw() % 8;
  for (struct change* each = newest; each; each = each->older) {
    if (each->kind >= created) {
      if (names_lost > 0) {
        --names_lost;
        undo_name(each);
      }
      continue;
    }
    uint64_t fate = style == 0 ? 1 : style == 1 ? 2 : draw() % 3;
    if (each->kind == wrote && fate != 0)
      undo_write(each, fate == 2);
    if (each->kind == resized && fate == 1)
      undo_resize(each);
  }
}

/* The other threads must not see what is undone: the process dies first, and a
 * child of it undoes. Whoever waits for the end of standard output, which the
 * child has too, waits for both. */
static void cut_power(void) {
  pid_t self = getpid();
  if (syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L) == 0) {
    struct timespec moment = {0, 50000};
    while (syscall(SYS_getppid) == self)
      syscall(SYS_nanosleep, &moment, 0);
    undo_some();
    syscall(SYS_exit_group, 0);
  }
  syscall(SYS_kill, self, SIGKILL);
  for (;;)
    syscall(SYS_pause);
}

/* Counts a call. Says whether it is to fail. */
static int begin_call(void) {
  uint64_t now = ++*count;
  if (cut_at && now == cut_at)
    cut_power();
  return fail_at && now >= fail_at && (fails == 0 || now - fail_at < fails);
}

/* -- writing --------------------------------------------------------------- */

enum { at_cursor = -1 };

static ssize_t do_write(
  int fd, const struct iovec* parts, int many, off_t at, int flags) {
  if (at == at_cursor)
    return syscall(SYS_writev, fd, parts, many);
  return syscall(SYS_pwritev2, fd, parts, many, (long)at, 0L, flags);
}

static ssize_t write_parts(
  int fd, const struct iovec* parts, int many, off_t at, int flags) {
  if (sleeps())
    return do_write(fd, parts, many, at, flags);
  enter();
  struct descriptor* known = look_up(fd);
  if (!known) {
    leave();
    return do_write(fd, parts, many, at, flags);
  }
  size_t size = 0;
  for (int i = 0; i < many; ++i)
    size += parts[i].iov_len;
  struct iovec half;
  if (begin_call()) {
    if (!fail_short) {
      errno = fail_code;
      leave();
      return -1;
    }
    if (size > 1 && parts[0].iov_len > 1) {
      half = parts[0];
      half.iov_len /= 2;
      /* A disk writes whole sectors. */
      if (half.iov_len > sector)
        half.iov_len = half.iov_len / sector * sector;
      parts = &half;
      many = 1;
      size = half.iov_len;
    }
  }
  off_t from = at;
  if (at == at_cursor)
    from = syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND
      ? end_of(known->file)
      : syscall(SYS_lseek, fd, 0L, SEEK_CUR);
  int durable = known->durable || (flags & (RWF_DSYNC | RWF_SYNC));
  if (!durable)
    remember_write(known->file, from, size);
  ssize_t written = do_write(fd, parts, many, at, flags);
  int code = errno;
  if (durable && written > 0)
    keep_durable(known->file, from, (size_t)written);
  errno = code;
  leave();
  return written;
}

ssize_t write(int fd, const void* from, size_t size) {
  struct iovec part = {(void*)from, size};
  return sleeps() ? syscall(SYS_write, fd, from, size)
                  : write_parts(fd, &part, 1, at_cursor, 0);
}
ssize_t pwrite(int fd, const void* from, size_t size, off_t at) {
  struct iovec part = {(void*)from, size};
  return write_parts(fd, &part, 1, at, 0);
}
ssize_t pwrite64(int fd, const void* from, size_t size, off_t at) {
  return pwrite(fd, from, size, at);
}
ssize_t writev(int fd, const struct iovec* parts, int many) {
  return write_parts(fd, parts, many, at_cursor, 0);
}
ssize_t pwritev(int fd, const struct iovec* parts, int many, off_t at) {
  return write_parts(fd, parts, many, at, 0);
}
ssize_t pwritev64(int fd, const struct iovec* parts, int many, off_t at) {
  return write_parts(fd, parts, many, at, 0);
}
ssize_t pwritev2(
  int fd, const struct iovec* parts, int many, off_t at, int flags) {
  return write_parts(fd, parts, many, at, flags);
}
ssize_t pwritev64v2(
  int fd, const struct iovec* parts, int many, off_t at, int flags) {
  return write_parts(fd, parts, many, at, flags);
}

/* Let whoever copies inside the kernel take the long way. */
ssize_t copy_file_range(
  int in, off_t* in_at, int out, off_t* out_at, size_t size, unsigned flags) {
  if (!sleeps()) {
    enter();
    int mine = look_up(out) != 0;
    leave();
    if (mine) {
      errno = EXDEV;
      return -1;
    }
  }
  return syscall(SYS_copy_file_range, in, in_at, out, out_at, size, flags);
}
ssize_t sendfile(int out, int in, off_t* at, size_t size) {
  if (!sleeps()) {
    enter();
    int mine = look_up(out) != 0;
    leave();
    if (mine) {
      errno = EINVAL;
      return -1;
    }
  }
  return syscall(SYS_sendfile, out, in, at, size);
}
ssize_t sendfile64(int out, int in, off_t* at, size_t size) {
  return sendfile(out, in, at, size);
}

int ftruncate(int fd, off_t size) {
  if (sleeps())
    return (int)syscall(SYS_ftruncate, fd, size);
  enter();
  struct descriptor* known = look_up(fd);
  int code = 0;
  if (known && begin_call() && !fail_short) {
    errno = fail_code;
    code = -1;
  } else {
    if (known)
      remember_resize(known->file, size);
    code = (int)syscall(SYS_ftruncate, fd, size);
  }
  leave();
  return code;
}
int ftruncate64(int fd, off_t size) {
  return ftruncate(fd, size);
}

int fallocate(int fd, int mode, off_t at, off_t size) {
  if (sleeps())
    return (int)syscall(SYS_fallocate, fd, mode, at, size);
  enter();
  struct descriptor* known = look_up(fd);
  int code = 0;
  if (known && begin_call() && !fail_short) {
    errno = fail_code;
    code = -1;
  } else {
    /* Holes and zeros are writes; the rest only makes the file longer. */
    if (known && mode != 0)
      remember_write(known->file, at, (size_t)size);
    else if (known && at + size > end_of(known->file))
      remember_resize(known->file, at + size);
    code = (int)syscall(SYS_fallocate, fd, mode, at, size);
  }
  leave();
  return code;
}
int fallocate64(int fd, int mode, off_t at, off_t size) {
  return fallocate(fd, mode, at, size);
}
int posix_fallocate(int fd, off_t at, off_t size) {
  return fallocate(fd, 0, at, size) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off_t at, off_t size) {
  return posix_fallocate(fd, at, size);
}

/* -- syncing --------------------------------------------------------------- */

/* The disk is in memory: what is forgotten has stayed, there is nothing to
 * wait for. */
static int sync_it(int fd, long call) {
  if (sleeps())
    return (int)syscall(call, fd);
  enter();
  struct stat status;
  struct descriptor* known = look_up(fd);
  ino_t folder = 0;
  char path[4096];
  if (!known && syscall(SYS_fstat, fd, &status) == 0 && S_ISDIR(status.st_mode)
    && path_of(fd, path, sizeof path) && below_root(path))
    folder = status.st_ino;
  int code = 0;
  if (!known && !folder) {
    code = (int)syscall(call, fd);
  } else if (begin_call() && !fail_short) {
    errno = fail_code;
    code = -1;
  } else if (!lies) {
    forget(known ? known->file : 0, folder, changes);
  }
  leave();
  return code;
}
int fsync(int fd) {
  return sync_it(fd, SYS_fsync);
}
int fdatasync(int fd) {
  return sync_it(fd, SYS_fdatasync);
}
int syncfs(int fd) {
  if (!sleeps()) {
    enter();
    if (!lies)
      while (newest)
        forget(newest->file,
          newest->kind == renamed ? newest->to_inode : newest->folder_inode,
          changes);
    leave();
  }
  return (int)syscall(SYS_syncfs, fd);
}
/* -- names ----------------------------------------------------------------- */

/* The folder of a path as a descriptor, with the name in it. -1 when it is not
 * below ours. */
static int folder_of(
  int at, const char* path, const char** name, ino_t* inode) {
  char folder[4096];
  const char* slash = strrchr(path, '/');
  *name = slash ? slash + 1 : path;
  size_t size = slash ? (size_t)(slash - path) : 0;
  if (size >= sizeof folder || is_left_alone(path))
    return -1;
  memcpy(folder, path, size);
  folder[size] = 0;
  if (slash && size == 0)
    strcpy(folder, "/");
  int handle = (int)syscall(SYS_openat, at, slash ? folder : ".",
    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  struct stat status;
  if (handle < 0)
    return -1;
  if (syscall(SYS_fstat, handle, &status) == 0
    && path_of(handle, folder, sizeof folder) && below_root(folder)) {
    *inode = status.st_ino;
    return handle;
  }
  syscall(SYS_close, handle);
  return -1;
}

static int exists(int folder, const char* name, struct stat* status) {
  return syscall(SYS_newfstatat, folder, name, status, AT_SYMLINK_NOFOLLOW)
    == 0;
}

/* A second name for a file that is about to lose its own. */
static char* spare_name(int folder, const char* name) {
  char path[4200];
  snprintf(path, sizeof path, "%s.spare", root);
  syscall(SYS_mkdirat, AT_FDCWD, path, 0700);
  snprintf(path, sizeof path, "%s.spare/%d-%llu", root, (int)getpid(),
    (unsigned long long)changes);
  if (syscall(SYS_linkat, folder, name, AT_FDCWD, path, 0) != 0)
    return 0;
  return strdup(path);
}

static int open_it(int at, const char* path, int flags, mode_t mode) {
  if (sleeps() || !(flags & O_CREAT)) {
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    forget_descriptor(fd);
    return fd;
  }
  enter();
  const char* name = 0;
  ino_t inode = 0;
  struct stat status;
  int folder = folder_of(at, path, &name, &inode);
  int was_there = folder >= 0 && exists(folder, name, &status);
  int fd = -1;
  if (folder >= 0 && !was_there && begin_call() && !fail_short) {
    errno = fail_code;
  } else {
    fd = (int)syscall(SYS_openat, at, path, flags, mode);
  }
  forget_descriptor(fd);
  if (folder >= 0 && !was_there && fd >= 0) {
    struct change* change = add(created);
    change->folder = folder;
    change->folder_inode = inode;
    change->name = strdup(name);
  } else if (folder >= 0) {
    int code = errno;
    syscall(SYS_close, folder);
    errno = code;
  }
  leave();
  return fd;
}

#define MODE_OF(flags)                                                         \
  mode_t mode = 0;                                                             \
  if (flags & (O_CREAT | __O_TMPFILE)) {                                       \
    va_list rest;                                                              \
    va_start(rest, flags);                                                     \
    mode = va_arg(rest, mode_t);                                               \
    va_end(rest);                                                              \
  }

int open(const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_it(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_it(AT_FDCWD, path, flags, mode);
}
int openat(int at, const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_it(at, path, flags, mode);
}
int openat64(int at, const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_it(at, path, flags, mode);
}
int __open_2(const char* path, int flags) {
  return open_it(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char* path, int flags) {
  return open_it(AT_FDCWD, path, flags, 0);
}
int creat(const char* path, mode_t mode) {
  return open_it(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char* path, mode_t mode) {
  return creat(path, mode);
}

int close(int fd) {
  forget_descriptor(fd);
  return (int)syscall(SYS_close, fd);
}
int dup(int fd) {
  int other = (int)syscall(SYS_dup, fd);
  forget_descriptor(other);
  return other;
}
int dup2(int fd, int other) {
  forget_descriptor(other);
  return (int)syscall(SYS_dup2, fd, other);
}
int dup3(int fd, int other, int flags) {
  forget_descriptor(other);
  return (int)syscall(SYS_dup3, fd, other, flags);
}

static int make_folder(int at, const char* path, mode_t mode) {
  if (sleeps())
    return (int)syscall(SYS_mkdirat, at, path, mode);
  enter();
  const char* name = 0;
  ino_t inode = 0;
  int folder = folder_of(at, path, &name, &inode);
  int code = -1;
  if (folder >= 0 && begin_call() && !fail_short)
    errno = fail_code;
  else
    code = (int)syscall(SYS_mkdirat, at, path, mode);
  if (folder >= 0 && code == 0) {
    struct change* change = add(created);
    change->folder = folder;
    change->folder_inode = inode;
    change->name = strdup(name);
    change->is_folder = 1;
  }
  leave();
  return code;
}
int mkdir(const char* path, mode_t mode) {
  return make_folder(AT_FDCWD, path, mode);
}
int mkdirat(int at, const char* path, mode_t mode) {
  return make_folder(at, path, mode);
}

static int rename_it(
  int at, const char* path, int to_at, const char* to_path, unsigned flags) {
  if (sleeps())
    return (int)syscall(SYS_renameat2, at, path, to_at, to_path, flags);
  enter();
  const char *name = 0, *to_name = 0;
  ino_t inode = 0, to_inode = 0;
  struct stat status;
  int folder = folder_of(at, path, &name, &inode);
  int to_folder = folder_of(to_at, to_path, &to_name, &to_inode);
  int mine = folder >= 0 && to_folder >= 0;
  int code = -1;
  char* spare = 0;
  if (mine && begin_call() && !fail_short) {
    errno = fail_code;
  } else {
    if (mine && exists(to_folder, to_name, &status))
      spare = spare_name(to_folder, to_name);
    code = (int)syscall(SYS_renameat2, at, path, to_at, to_path, flags);
  }
  if (mine && code == 0) {
    struct change* change = add(renamed);
    change->folder = folder;
    change->folder_inode = inode;
    change->name = strdup(name);
    change->to_folder = to_folder;
    change->to_inode = to_inode;
    change->to_name = strdup(to_name);
    change->spare = spare;
  }
  leave();
  return code;
}
int rename(const char* path, const char* to) {
  return rename_it(AT_FDCWD, path, AT_FDCWD, to, 0);
}
int renameat(int at, const char* path, int to_at, const char* to) {
  return rename_it(at, path, to_at, to, 0);
}
int renameat2(
  int at, const char* path, int to_at, const char* to, unsigned flags) {
  return rename_it(at, path, to_at, to, flags);
}

static int remove_it(int at, const char* path, int flags) {
  if (sleeps())
    return (int)syscall(SYS_unlinkat, at, path, flags);
  enter();
  const char* name = 0;
  ino_t inode = 0;
  int folder = folder_of(at, path, &name, &inode);
  int code = -1;
  char* spare = 0;
  if (folder >= 0 && begin_call() && !fail_short) {
    errno = fail_code;
  } else {
    if (folder >= 0 && !(flags & AT_REMOVEDIR))
      spare = spare_name(folder, name);
    code = (int)syscall(SYS_unlinkat, at, path, flags);
  }
  if (folder >= 0 && code == 0) {
    struct change* change = add(removed);
    change->folder = folder;
    change->folder_inode = inode;
    change->name = strdup(name);
    change->spare = spare;
    change->is_folder = (flags & AT_REMOVEDIR) != 0;
  }
  leave();
  return code;
}
int unlink(const char* path) {
  return remove_it(AT_FDCWD, path, 0);
}
int unlinkat(int at, const char* path, int flags) {
  return remove_it(at, path, flags);
}
int rmdir(const char* path) {
  return remove_it(AT_FDCWD, path, AT_REMOVEDIR);
}
int remove(const char* path) {
  if (remove_it(AT_FDCWD, path, 0) == 0)
    return 0;
  return errno == EISDIR ? rmdir(path) : -1;
}
