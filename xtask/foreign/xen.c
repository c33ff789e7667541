/*
 * Stands in for the libraries through which Xen's tools reach a hypervisor, so that
 * the unchanged tools of a distribution run where there is no Xen. Loaded with
 * LD_PRELOAD. Hypercalls go to the simulated host whose socket VIRTXEN_HYPERCALLS
 * names (`virtxen sim --hypercalls`; crates/sim/src/hypervisor/serve.rs has the
 * format); event channels, grants and foreign pages exist, and nothing comes of them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PAGE 4096
#define BUFFERS 1024

static char handle; /* whatever is opened, its address is the handle */

/* Memory that the caller shares with the hypervisor. */
static struct buffer {
    void *address;
    size_t length;
} buffers[BUFFERS];
static int door = -1;
static pthread_mutex_t one_call = PTHREAD_MUTEX_INITIALIZER;

static int carry(int writes, void *data, size_t length)
{
    char *at = data;
    while (length > 0) {
        ssize_t done = writes ? send(door, at, length, MSG_NOSIGNAL) : read(door, at, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        at += done;
        length -= done;
    }
    return 0;
}

static int reach(void)
{
    const char *path = getenv("VIRTXEN_HYPERCALLS");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (door >= 0)
        return 0;
    if (!path || strlen(path) >= sizeof(address.sun_path))
        return -1;
    strcpy(address.sun_path, path);
    door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (door >= 0 && connect(door, (struct sockaddr *)&address, sizeof(address)) == 0)
        return 0;
    close(door);
    door = -1;
    return -1;
}

static int exchange(uint32_t number, uint32_t count, uint64_t *arguments, int64_t *result)
{
    uint32_t header[3] = { number, count, 0 };
    int i;
    for (i = 0; i < BUFFERS; i++)
        header[2] += buffers[i].address != NULL;
    if (reach() || carry(1, header, sizeof(header)) || carry(1, arguments, count * 8))
        return -1;
    for (i = 0; i < BUFFERS; i++) {
        uint64_t place[2] = { (uintptr_t)buffers[i].address, buffers[i].length };
        if (place[0] && (carry(1, place, sizeof(place)) || carry(1, buffers[i].address, place[1])))
            return -1;
    }
    if (carry(0, result, sizeof(*result)))
        return -1;
    for (i = 0; i < BUFFERS; i++)
        if (buffers[i].address && carry(0, buffers[i].address, buffers[i].length))
            return -1;
    return 0;
}

static long hypercall(uint32_t number, uint32_t count, ...)
{
    uint64_t arguments[5];
    int64_t result;
    va_list list;
    uint32_t i;
    int failed;

    va_start(list, count);
    for (i = 0; i < count; i++)
        arguments[i] = va_arg(list, uint64_t);
    va_end(list);
    pthread_mutex_lock(&one_call);
    failed = exchange(number, count, arguments, &result);
    pthread_mutex_unlock(&one_call);
    if (failed)
        result = -EIO;
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}

/* libxencall */

void *xencall_open(void *log, unsigned flags) { return &handle; }
int xencall_close(void *x) { return 0; }
int xencall_fd(void *x) { return -1; }
int xencall_buffers_never_fault(void *x) { return 1; }

void *xencall_alloc_buffer_pages(void *x, size_t pages)
{
    void *made;
    int i;

    made = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED)
        return NULL;
    pthread_mutex_lock(&one_call);
    for (i = 0; i < BUFFERS && buffers[i].address; i++)
        ;
    if (i < BUFFERS)
        buffers[i] = (struct buffer){ made, pages * PAGE };
    pthread_mutex_unlock(&one_call);
    if (i < BUFFERS)
        return made;
    munmap(made, pages * PAGE);
    errno = ENOMEM;
    return NULL;
}

void xencall_free_buffer_pages(void *x, void *address, size_t pages)
{
    int i;

    if (!address)
        return;
    pthread_mutex_lock(&one_call);
    for (i = 0; i < BUFFERS; i++)
        if (buffers[i].address == address) {
            munmap(address, buffers[i].length);
            buffers[i].address = NULL;
        }
    pthread_mutex_unlock(&one_call);
}

void *xencall_alloc_buffer(void *x, size_t size)
{
    return xencall_alloc_buffer_pages(x, (size + PAGE - 1) / PAGE);
}

void xencall_free_buffer(void *x, void *address) { xencall_free_buffer_pages(x, address, 0); }

int xencall0(void *x, unsigned op) { return hypercall(op, 0); }
int xencall1(void *x, unsigned op, uint64_t a) { return hypercall(op, 1, a); }
int xencall2(void *x, unsigned op, uint64_t a, uint64_t b) { return hypercall(op, 2, a, b); }
long xencall2L(void *x, unsigned op, uint64_t a, uint64_t b) { return hypercall(op, 2, a, b); }

int xencall3(void *x, unsigned op, uint64_t a, uint64_t b, uint64_t c)
{
    return hypercall(op, 3, a, b, c);
}

int xencall4(void *x, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return hypercall(op, 4, a, b, c, d);
}

int xencall5(void *x, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    return hypercall(op, 5, a, b, c, d, e);
}

/* libxenforeignmemory, libxendevicemodel */

void *xenforeignmemory_open(void *log, unsigned flags) { return &handle; }
int xenforeignmemory_close(void *x) { return 0; }
void *xendevicemodel_open(void *log, unsigned flags) { return &handle; }
int xendevicemodel_close(void *x) { return 0; }

/* libxengnttab: a grant is a fresh page that nobody else sees */

void *xengnttab_open(void *log, unsigned flags) { return &handle; }
int xengnttab_close(void *x) { return 0; }

void *xengnttab_map_grant_ref(void *x, uint32_t domid, uint32_t ref, int protection)
{
    return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int xengnttab_unmap(void *x, void *address, uint32_t count)
{
    return munmap(address, (size_t)count * PAGE);
}

/* libxenevtchn: channels on which nothing ever comes */

static int silence(void)
{
    static int silent = -1;
    if (silent < 0)
        silent = eventfd(0, EFD_CLOEXEC);
    return silent;
}

void *xenevtchn_open(void *log, unsigned flags) { return &handle; }
void *xenevtchn_fdopen(void *log, int fd, unsigned flags) { return &handle; }
int xenevtchn_close(void *x) { return 0; }
int xenevtchn_fd(void *x) { return silence(); }
int xenevtchn_bind_virq(void *x, unsigned virq) { return 1; }
int xenevtchn_bind_interdomain(void *x, uint32_t domid, uint32_t port) { return 2; }
int xenevtchn_unbind(void *x, uint32_t port) { return 0; }
int xenevtchn_unmask(void *x, uint32_t port) { return 0; }
int xenevtchn_notify(void *x, uint32_t port) { return 0; }

int xenevtchn_pending(void *x)
{
    errno = EAGAIN;
    return -1;
}

/*
 * Files of Domain-0's kernel: for a xenstored its own connection's event channel and
 * page, for libvirt that this is a Domain-0.
 */

static const struct kernel_file {
    const char *path;
    const char *text; /* none: a page of zeros */
} kernel_files[] = {
    { "/proc/xen/xsd_port", "1" },
    { "/proc/xen/xsd_kva", NULL },
    { "/dev/xen/xenbus_backend", NULL },
    { "/proc/xen/capabilities", "control_d\n" },
};

static const struct kernel_file *kernel_file(const char *path)
{
    size_t i;

    for (i = 0; path && i < sizeof(kernel_files) / sizeof(*kernel_files); i++)
        if (strcmp(path, kernel_files[i].path) == 0)
            return &kernel_files[i];
    return NULL;
}

static int open_kernel_file(const struct kernel_file *which)
{
    int file = memfd_create("xen", MFD_CLOEXEC);
    size_t length = which->text ? strlen(which->text) : 0;

    if (file < 0)
        return -1;
    if (which->text ? pwrite(file, which->text, length, 0) != (ssize_t)length
                    : ftruncate(file, PAGE)) {
        close(file);
        return -1;
    }
    return file;
}

int access(const char *path, int mode)
{
    int (*real)(const char *, int) = dlsym(RTLD_NEXT, "access");
    return kernel_file(path) ? 0 : real(path, mode);
}

#define OPENS(name)                                                          \
    int name(const char *path, int flags, ...)                               \
    {                                                                        \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);       \
        const struct kernel_file *ours = kernel_file(path);                  \
        va_list list;                                                        \
        int mode;                                                            \
        if (ours)                                                            \
            return open_kernel_file(ours);                                   \
        va_start(list, flags);                                               \
        mode = va_arg(list, int);                                            \
        va_end(list);                                                        \
        return real(path, flags, mode);                                      \
    }

OPENS(open)
OPENS(open64)
