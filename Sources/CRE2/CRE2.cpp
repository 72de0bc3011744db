#include "CRE2.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

struct cre2_regexp {
  std::unique_ptr<re2::RE2> re;
};

static cre2_error error_of(re2::RE2::ErrorCode code) {
  switch (code) {
    case re2::RE2::NoError: return CRE2_ERROR_NONE;
    case re2::RE2::ErrorBadEscape: return CRE2_ERROR_BAD_ESCAPE;
    case re2::RE2::ErrorBadCharClass: return CRE2_ERROR_BAD_CLASS;
    case re2::RE2::ErrorBadCharRange: return CRE2_ERROR_BAD_CLASS_RANGE;
    case re2::RE2::ErrorMissingBracket: return CRE2_ERROR_MISSING_BRACKET;
    case re2::RE2::ErrorMissingParen: return CRE2_ERROR_MISSING_PARENTHESIS;
    case re2::RE2::ErrorUnexpectedParen: return CRE2_ERROR_UNEXPECTED_PARENTHESIS;
    case re2::RE2::ErrorTrailingBackslash: return CRE2_ERROR_TRAILING_BACKSLASH;
    case re2::RE2::ErrorRepeatArgument: return CRE2_ERROR_REPEAT_ARGUMENT;
    case re2::RE2::ErrorRepeatSize: return CRE2_ERROR_REPEAT_SIZE;
    case re2::RE2::ErrorRepeatOp: return CRE2_ERROR_REPEAT_OPERATOR;
    case re2::RE2::ErrorBadPerlOp: return CRE2_ERROR_BAD_PERL_OPERATOR;
    case re2::RE2::ErrorBadUTF8: return CRE2_ERROR_BAD_UTF8;
    case re2::RE2::ErrorBadNamedCapture: return CRE2_ERROR_BAD_NAMED_CAPTURE;
    case re2::RE2::ErrorPatternTooLarge: return CRE2_ERROR_TOO_LARGE;
    default: return CRE2_ERROR_INTERNAL;
  }
}

extern "C" cre2_regexp *cre2_new(const char *pattern, size_t length, size_t max_memory, cre2_error *error,
                                 char *fault, size_t fault_capacity, size_t *fault_length) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  if (max_memory > 0) options.set_max_mem(static_cast<int64_t>(max_memory));
  auto re = std::make_unique<re2::RE2>(re2::StringPiece(pattern, length), options);
  *error = CRE2_ERROR_NONE;
  *fault_length = 0;
  if (!re->ok()) {
    *error = error_of(re->error_code());
    *fault_length = std::min(fault_capacity, re->error_arg().size());
    std::memcpy(fault, re->error_arg().data(), *fault_length);
    return nullptr;
  }
  return new (std::nothrow) cre2_regexp{std::move(re)};
}

extern "C" void cre2_delete(cre2_regexp *regexp) { delete regexp; }

extern "C" int cre2_group_count(const cre2_regexp *regexp) { return regexp->re->NumberOfCapturingGroups(); }

extern "C" int cre2_group_named(const cre2_regexp *regexp, const char *name, size_t length) {
  const auto &groups = regexp->re->NamedCapturingGroups();
  auto found = groups.find(std::string(name, length));
  return found == groups.end() ? -1 : found->second;
}

extern "C" bool cre2_match(const cre2_regexp *regexp, const char *text, size_t length, size_t start,
                           bool anchored_both, ptrdiff_t *groups, int group_capacity) {
  constexpr int kInline = 8;
  re2::StringPiece few[kInline];
  std::vector<re2::StringPiece> many;
  re2::StringPiece *pieces = few;
  if (group_capacity > kInline) {
    many.resize(static_cast<size_t>(group_capacity));
    pieces = many.data();
  }
  re2::StringPiece input(text, length);
  if (!regexp->re->Match(input, start, length, anchored_both ? re2::RE2::ANCHOR_BOTH : re2::RE2::UNANCHORED,
                         pieces, group_capacity)) {
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
