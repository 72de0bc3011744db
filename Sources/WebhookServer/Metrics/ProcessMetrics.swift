import Glibc

/// What Prometheus' client libraries tell of a process, under the names they use, from proc(5).
enum ProcessMetrics {
  static func register(in registry: MetricRegistry) {
    registry.registerGauge("process_resident_memory_bytes", help: "Resident memory size in bytes.") {
      residentBytes
    }
    registry.registerCounter("process_cpu_seconds_total", help: "User and system CPU time spent in seconds.")
    {
      cpuSeconds
    }
    registry.registerGauge("process_open_fds", help: "Number of open file descriptors.") { openFiles }
    let start = Double(Timestamp.now().secondsSince1970)
    registry.registerGauge("process_start_time_seconds", help: "Start of the process in seconds since 1970.")
    {
      start
    }
  }

  /// The second field of statm counts pages.
  private static var residentBytes: Double {
    guard let text = try? readFile("/proc/self/statm", maximumBytes: 1 << 10) else { return .nan }
    let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
    guard fields.count > 1, let pages = Double(fields[1]) else { return .nan }
    return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
  }

  private static var cpuSeconds: Double {
    var usage = rusage()
    guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return .nan }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

  private static var openFiles: Double {
    guard let folder = opendir("/proc/self/fd") else { return .nan }
    defer { closedir(folder) }
    // Not counted: the folder itself, its parent, and the descriptor that reads it.
    var count = -3.0
    while readdir(folder) != nil { count += 1 }
    return count
  }
}
