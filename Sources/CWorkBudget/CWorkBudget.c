#include "CWorkBudget.h"

static const long grant = 1 << 14;

_Thread_local struct work_budget work_budget_current;

bool work_budget_refill(void) {
  struct work_budget *budget = &work_budget_current;
  if (!budget->is_spent && budget->owner != NULL && budget->is_over(budget->owner)) budget->is_spent = true;
  // Else it goes on falling, so that it is another number each time.
  if (!budget->is_spent) budget->remaining = grant;
  return !budget->is_spent;
}

struct work_budget work_budget_enter(const void *owner, bool (*is_over)(const void *owner)) {
  struct work_budget outer = work_budget_current;
  work_budget_current = (struct work_budget){.remaining = grant, .owner = owner, .is_over = is_over};
  return outer;
}

bool work_budget_leave(struct work_budget outer) {
  bool is_spent = work_budget_current.is_spent;
  work_budget_current = outer;
  return is_spent;
}
