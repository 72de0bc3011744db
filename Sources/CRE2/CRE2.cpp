#include "CRE2.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

struct cre2_regexp {
  std::unique_ptr<re2::RE2> re;
};

extern "C" cre2_regexp *cre2_new(const char *pattern, size_t length, size_t max_memory, char *error,
                                 size_t error_capacity) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  if (max_memory > 0) options.set_max_mem(static_cast<int64_t>(max_memory));
  auto re = std::make_unique<re2::RE2>(re2::StringPiece(pattern, length), options);
  if (!re->ok()) {
    if (error_capacity > 0) {
      size_t n = std::min(error_capacity - 1, re->error().size());
      std::memcpy(error, re->error().data(), n);
      error[n] = 0;
    }
    return nullptr;
  }
  return new (std::nothrow) cre2_regexp{std::move(re)};
}

extern "C" void cre2_delete(cre2_regexp *regexp) { delete regexp; }

extern "C" int cre2_group_count(const cre2_regexp *regexp) { return regexp->re->NumberOfCapturingGroups(); }

extern "C" bool cre2_match(const cre2_regexp *regexp, const char *text, size_t length, size_t start,
                           bool anchored_both, ptrdiff_t *groups, int group_capacity) {
  std::vector<re2::StringPiece> pieces(static_cast<size_t>(group_capacity));
  re2::StringPiece input(text, length);
  if (!regexp->re->Match(input, start, length, anchored_both ? re2::RE2::ANCHOR_BOTH : re2::RE2::UNANCHORED,
                         pieces.data(), group_capacity)) {
    return false;
  }
  for (int i = 0; i < group_capacity; i++) {
    if (pieces[i].data() == nullptr) {
      groups[2 * i] = groups[2 * i + 1] = -1;
    } else {
      groups[2 * i] = pieces[i].data() - text;
      groups[2 * i + 1] = groups[2 * i] + static_cast<ptrdiff_t>(pieces[i].size());
    }
  }
  return true;
}
