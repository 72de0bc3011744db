// A thin C face on libre2: what Portcullis's regular expressions need, nothing more.
#ifndef PORTCULLIS_CRE2_H
#define PORTCULLIS_CRE2_H
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cre2_regexp cre2_regexp;

/// Compiles a pattern; returns NULL and fills `error` (NUL-terminated, truncated to `error_capacity`) if it is invalid.
cre2_regexp *cre2_new(const char *pattern, size_t length, size_t max_memory, char *error, size_t error_capacity);
void cre2_delete(cre2_regexp *regexp);
/// Number of capturing groups, without group 0.
int cre2_group_count(const cre2_regexp *regexp);
/// Searches `text` from byte offset `start`. `groups` receives begin and end offsets in pairs (-1 where a group did not take part).
bool cre2_match(const cre2_regexp *regexp, const char *text, size_t length, size_t start, bool anchored_both,
                ptrdiff_t *groups, int group_capacity);

#ifdef __cplusplus
}
#endif
#endif
