import Glibc

/// Raises the number of files this process may open, sockets included, as far as it may: the usual soft limit of 1,024 is
/// below the default number of connections.
func raiseFileLimit(atLeast wanted: Int) {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < wanted else {
    return
  }
  limit.rlim_cur = min(rlim_t(wanted), limit.rlim_max)
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
