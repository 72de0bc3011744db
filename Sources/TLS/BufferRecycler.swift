import NIOCore

/// Keeps one byte buffer's storage to be used again and again on one event loop, so that a request's large buffers cost no
/// allocation. A buffer that somebody still holds is left to them and replaced.
package final class BufferRecycler {
  private var buffer = ByteBuffer()
  private let allocator = ByteBufferAllocator()
  /// Storage beyond this is given back rather than kept.
  private let maximumCapacity: Int

  package init(maximumCapacity: Int = 256 << 10) { self.maximumCapacity = maximumCapacity }

  /// Returns an empty buffer. While it is lent, another call gets a new one.
  package func borrow(minimumCapacity: Int) -> ByteBuffer {
    var lent = ByteBuffer()
    swap(&lent, &buffer)
    // Keeps the storage where nobody else holds it.
    lent.clear(minimumCapacity: minimumCapacity)
    return lent
  }

  package func giveBack(_ returned: ByteBuffer) {
    if returned.storageCapacity <= maximumCapacity { buffer = returned }
  }
}
