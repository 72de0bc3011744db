#ifndef CWORKBUDGET_H
#define CWORKBUDGET_H

#include <stdbool.h>
#include <stddef.h>

// What the evaluation on this thread may still spend in functions that cannot fail: comparing, hashing and writing values, which may
// hold one value in many places and so be far larger than the memory they take. Thread-local, and in C, because
// Swift has no thread-local variables that are as cheap.

struct work_budget {
  /// How many elements may be looked at before the owner is asked again.
  long remaining;
  /// The evaluation; null where none is under way, and then nothing is bounded.
  const void *owner;
  /// Whether the owner's time is over.
  bool (*is_over)(const void *owner);
  /// Whether the budget is spent: what has been computed since is worth nothing.
  bool is_spent;
};

extern _Thread_local struct work_budget work_budget_current;

/// Asks the owner, and grants more where time is left.
bool work_budget_refill(void);

/// Begins an evaluation, and answers the budget of the one around it.
struct work_budget work_budget_enter(const void *owner, bool (*is_over)(const void *owner));

/// Ends an evaluation, and answers whether it spent its budget.
bool work_budget_leave(struct work_budget outer);

/// Takes elements from the budget; false where it is spent, and the caller gives up with any result.
static inline bool work_budget_take(long count) {
  work_budget_current.remaining -= count;
  return __builtin_expect(work_budget_current.remaining >= 0, 1) || work_budget_refill();
}

/// Spends all of the budget, where an evaluation is under way; answers whether one is.
static inline bool work_budget_spend(void) {
  if (work_budget_current.owner == NULL) return false;
  work_budget_current.remaining = -1;
  work_budget_current.is_spent = true;
  return true;
}

static inline bool work_budget_is_spent(void) { return work_budget_current.is_spent; }

/// A hash for what is not looked at since the budget is spent: another one each time, lest tables be slow.
static inline unsigned long work_budget_noise(void) { return (unsigned long)work_budget_current.remaining * 0x9e3779b97f4a7c15; }

#endif
