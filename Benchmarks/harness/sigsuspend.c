// libdispatch suspends the main thread with a signal mask in read-only memory, and Valgrind 3.19 writes to the mask that
// it is given: loaded before the C library, this passes a mask on the stack.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
  unsigned long own[1024 / (8 * sizeof(unsigned long))];
  for (unsigned int index = 0; index < sizeof own / sizeof *own; index++) own[index] = ((const unsigned long *)mask)[index];
  // The kernel's mask has 64 bits (rt_sigsuspend(2)).
  return (int)syscall(SYS_rt_sigsuspend, own, 8);
}
