// The program's own names for the C library's allocator: they count where that is asked for, and pass everything on. The
// library's free() takes what they return, since it is the library's own (glibc manual, "Replacing malloc": a definition in
// the program is used by all shared libraries as well).
#include "CAllocations.h"

#include <errno.h>
#include <stddef.h>

#if defined(__GLIBC__)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

// Only the thread that measures counts. initial-exec: reading it must not itself allocate.
static __thread bool is_counting __attribute__((tls_model("initial-exec")));
static __thread uint64_t count __attribute__((tls_model("initial-exec")));

static inline void note(void) {
  if (__builtin_expect(is_counting, 0)) count++;
}

void *malloc(size_t size) {
  note();
  return __libc_malloc(size);
}

void *calloc(size_t members, size_t size) {
  note();
  return __libc_calloc(members, size);
}

void *realloc(void *block, size_t size) {
  note();
  return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  note();
  void *found = __libc_memalign(alignment, size);
  if (found == NULL) return ENOMEM;
  *block = found;
  return 0;
}

bool allocations_can_be_counted(void) { return true; }

void allocations_start(void) {
  count = 0;
  is_counting = true;
}

uint64_t allocations_stop(void) {
  is_counting = false;
  return count;
}

#else

bool allocations_can_be_counted(void) { return false; }
void allocations_start(void) {}
uint64_t allocations_stop(void) { return 0; }

#endif
