// A thin C face on libre2: what Portcullis's regular expressions need, nothing more.
#ifndef PORTCULLIS_CRE2_H
#define PORTCULLIS_CRE2_H
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cre2_regexp cre2_regexp;

/// Why a pattern is invalid.
typedef enum cre2_error {
  CRE2_ERROR_NONE = 0,
  CRE2_ERROR_INTERNAL,
  CRE2_ERROR_BAD_ESCAPE,
  CRE2_ERROR_BAD_CLASS,
  CRE2_ERROR_BAD_CLASS_RANGE,
  CRE2_ERROR_MISSING_BRACKET,
  CRE2_ERROR_MISSING_PARENTHESIS,
  CRE2_ERROR_UNEXPECTED_PARENTHESIS,
  CRE2_ERROR_TRAILING_BACKSLASH,
  CRE2_ERROR_REPEAT_ARGUMENT,
  CRE2_ERROR_REPEAT_SIZE,
  CRE2_ERROR_REPEAT_OPERATOR,
  CRE2_ERROR_BAD_PERL_OPERATOR,
  CRE2_ERROR_BAD_UTF8,
  CRE2_ERROR_BAD_NAMED_CAPTURE,
  CRE2_ERROR_TOO_LARGE,
} cre2_error;

/// Compiles a pattern; returns NULL and fills `error` and the part of the pattern that is at fault (`fault`, not terminated, its
/// length in `fault_length`, truncated to `fault_capacity`) if it is invalid.
cre2_regexp *cre2_new(const char *pattern, size_t length, size_t max_memory, cre2_error *error, char *fault,
                      size_t fault_capacity, size_t *fault_length);
void cre2_delete(cre2_regexp *regexp);
/// Number of capturing groups, without group 0.
int cre2_group_count(const cre2_regexp *regexp);
/// The number of the group with a name, -1 if there is none.
int cre2_group_named(const cre2_regexp *regexp, const char *name, size_t length);
/// Searches `text` from byte offset `start`. `groups` receives begin and end offsets in pairs (-1 where a group did not take part).
bool cre2_match(const cre2_regexp *regexp, const char *text, size_t length, size_t start, bool anchored_both,
                ptrdiff_t *groups, int group_capacity);

#ifdef __cplusplus
}
#endif
#endif
