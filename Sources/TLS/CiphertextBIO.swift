import COpenSSL
import NIOCore

/// An OpenSSL BIO over NIO's byte buffers: what came from the network is read from a ``ByteBuffer`` in place, and what
/// goes to it is written into one, so that neither passes through a memory BIO's own copy.
///
/// Belongs to one ``TLSConnection`` and is used on its event loop only.
final class CiphertextBIO {
  /// What the peer sent and OpenSSL has not yet read.
  private var inbound = ByteBuffer()
  /// What OpenSSL wants sent.
  private var outbound = ByteBuffer()
  let pointer: OpaquePointer

  init() throws {
    guard let method = Self.method, let bio = BIO_new(method) else {
      throw TLSError.library(operation: "BIO_new", reason: takeOpenSSLErrors())
    }
    pointer = bio
    BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
    BIO_set_init(bio, 1)
  }

  deinit {
    // The SSL holds its own references and is freed first; a BIO without data answers every call with failure.
    BIO_set_data(pointer, nil)
    BIO_free(pointer)
  }

  var inboundByteCount: Int { inbound.readableBytes }

  /// Hands over what came from the network.
  func receive(_ bytes: ByteBuffer) {
    if inbound.readableBytes == 0 {
      inbound = bytes
    } else {
      inbound.writeImmutableBuffer(bytes)
    }
  }

  /// Lends an empty buffer for OpenSSL to write to.
  func lend(_ buffer: ByteBuffer) {
    if outbound.readableBytes == 0 { outbound = buffer }
  }

  /// Takes what OpenSSL wrote since the last call.
  func takeOutbound() -> ByteBuffer {
    let taken = outbound
    outbound = ByteBuffer()
    return taken
  }

  var hasOutbound: Bool { outbound.readableBytes > 0 }

  private func read(into destination: UnsafeMutablePointer<CChar>, count: Int) -> Int {
    let available = min(count, inbound.readableBytes)
    guard available > 0 else { return 0 }
    inbound.readWithUnsafeReadableBytes { bytes in
      if let source = bytes.baseAddress {
        UnsafeMutableRawPointer(destination).copyMemory(from: source, byteCount: available)
      }
      return available
    }
    // Let go of the storage, so that its owner can use it again.
    if inbound.readableBytes == 0 { inbound = ByteBuffer() }
    return available
  }

  private func write(_ source: UnsafePointer<CChar>, count: Int) {
    outbound.writeBytes(UnsafeRawBufferPointer(start: source, count: count))
  }

  private static func of(_ bio: OpaquePointer?) -> CiphertextBIO? {
    BIO_get_data(bio).map { Unmanaged<CiphertextBIO>.fromOpaque($0).takeUnretainedValue() }
  }

  // Made once and never changed nor freed: OpenSSL only reads it, from any thread.
  private nonisolated(unsafe) static let method: OpaquePointer? = {
    guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "portcullis ciphertext")
    else {
      return nil
    }
    BIO_meth_set_read(method) { bio, destination, count in
      guard let self = CiphertextBIO.of(bio), let destination, count > 0 else { return -1 }
      BIO_clear_flags(bio, allRetryFlags)
      let copied = self.read(into: destination, count: Int(count))
      if copied > 0 { return CInt(copied) }
      BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
      return -1
    }
    BIO_meth_set_write(method) { bio, source, count in
      guard let self = CiphertextBIO.of(bio), let source, count > 0 else { return -1 }
      BIO_clear_flags(bio, allRetryFlags)
      self.write(source, count: Int(count))
      return count
    }
    BIO_meth_set_ctrl(method) { _, command, _, _ in
      // A flush always succeeds, since writing never blocks; nothing else is offered.
      command == BIO_CTRL_FLUSH ? 1 : 0
    }
    return method
  }()
}

/// What `BIO_clear_retry_flags` clears.
private let allRetryFlags =
  BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY
