/// The memory of running procedures: a stack of pieces, from the last of which each frame takes what it needs.
///
/// Its parts have no addresses but those that frames are given, and frames end in the reverse of the order in which they began.
final class FrameMemory {
  /// Where the memory that is left begins and ends; a frame keeps it, and gives it back when it ends.
  struct Mark {
    fileprivate var top: UnsafeMutableRawPointer
    fileprivate var end: UnsafeMutableRawPointer
    fileprivate var pieces: Int
  }

  /// Small enough that malloc keeps it at hand for the thread's next evaluation.
  private static let firstPiece = 1008
  private static let laterPieces = 64 << 10

  @exclusivity(unchecked) private var mark: Mark
  @exclusivity(unchecked) private var pieces: [UnsafeMutableRawPointer]

  init() {
    let piece = UnsafeMutableRawPointer.allocate(byteCount: FrameMemory.firstPiece, alignment: 16)
    pieces = [piece]
    mark = Mark(top: piece, end: piece + FrameMemory.firstPiece, pieces: 1)
  }

  deinit {
    for piece in pieces { piece.deallocate() }
  }

  /// What is given back to ``release(to:)``.
  @inline(__always)
  var current: Mark { mark }

  /// Memory for a frame: uninitialised.
  @inline(__always)
  func take(_ bytes: Int) -> UnsafeMutableRawPointer {
    let memory = mark.top
    if memory + bytes <= mark.end {
      mark.top = memory + bytes
      return memory
    }
    return takePiece(bytes)
  }

  @inline(never)
  private func takePiece(_ bytes: Int) -> UnsafeMutableRawPointer {
    let size = max(bytes, FrameMemory.laterPieces)
    let piece = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    pieces.append(piece)
    mark = Mark(top: piece + bytes, end: piece + size, pieces: pieces.count)
    return piece
  }

  /// Gives back all that was taken since.
  @inline(__always)
  func release(to earlier: Mark) {
    if earlier.pieces < pieces.count { releasePieces(earlier.pieces) }
    mark = earlier
  }

  @inline(never)
  private func releasePieces(_ count: Int) {
    while pieces.count > count { pieces.removeLast().deallocate() }
  }
}
