// Counts the calling thread's allocations while it is asked to.
#ifndef PORTCULLIS_CALLOCATIONS_H
#define PORTCULLIS_CALLOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

/// Whether allocations can be counted with this C library.
bool allocations_can_be_counted(void);

/// Counts from zero.
void allocations_start(void);

/// Stops counting; how many there were since the start. A block that is resized counts as one more.
uint64_t allocations_stop(void);

#endif
