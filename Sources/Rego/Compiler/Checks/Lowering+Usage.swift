// Variables that are declared and not used.

extension Lowering {
  /// Reports declared variables that nothing mentions, and in strict mode assigned ones too (OPA documentation, "Strict Mode").
  func checkUsage() {
    if !errors.isEmpty { return }
    for local in locals {
      guard let name = local.name, !name.hasPrefix("$") else { continue }
      switch local.declaration {
      case .someName, .every:
        if local.uses == 0 {
          errors.append(RegoError(.compile, "declared var \(name) unused", at: local.location))
        }
      case .assigned:
        // The assignment itself is one use.
        if isStrict && local.uses <= 1 {
          errors.append(RegoError(.compile, "assigned var \(name) unused", at: local.location))
        }
      case .someIn, .parameter, nil: break
      }
    }
  }

  /// The parameters that a definition does not mention outside of its head's parentheses.
  var unusedParameters: Set<String> {
    Set(
      locals.compactMap { local in
        guard local.declaration == .parameter, local.uses <= 1, let name = local.name else { return nil }
        return name.hasPrefix("$") ? nil : name
      })
  }
}
