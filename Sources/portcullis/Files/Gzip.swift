import CZlib

/// Reads gzip (RFC 1952) through zlib.
enum Gzip {
  /// Whether bytes begin as gzip does (RFC 1952, section 2.3.1).
  static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }

  /// What was compressed.
  ///
  /// - Parameter limit: how many bytes it may be: a small file can hold the compressed form of a very large one.
  static func decompress(_ bytes: [UInt8], name: String, limit: Int) throws(InputProblem) -> [UInt8] {
    // zlib keeps the address of its stream.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    // 15 is the largest window, 16 says that the format is gzip (zlib manual, inflateInit2).
    guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw InputProblem(file: name, problem: "cannot be decompressed: zlib does not start")
    }
    defer { inflateEnd(stream) }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    var input = bytes
    let status = input.withUnsafeMutableBufferPointer { input -> Int32 in
      stream.pointee.next_in = input.baseAddress
      stream.pointee.avail_in = uInt(clamping: input.count)
      var status = Z_OK
      while status == Z_OK, output.count <= limit {
        let produced = chunk.withUnsafeMutableBufferPointer { chunk -> Int in
          stream.pointee.next_out = chunk.baseAddress
          stream.pointee.avail_out = uInt(chunk.count)
          status = inflate(stream, Z_NO_FLUSH)
          return chunk.count - Int(stream.pointee.avail_out)
        }
        output.append(contentsOf: chunk[..<produced])
      }
      return status
    }
    if output.count > limit {
      throw InputProblem(file: name, problem: "is larger than \(limit >> 20) MiB decompressed")
    }
    // Z_BUF_ERROR: the input ends too early.
    guard status == Z_STREAM_END else {
      throw InputProblem(
        file: name, problem: status == Z_BUF_ERROR ? "gzip data ends too early" : "invalid gzip data")
    }
    return output
  }
}
