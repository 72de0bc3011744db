import Rego

/// Why an AdmissionReview cannot be answered: the body is not what the API server sends.
public enum AdmissionReviewError: Error, Sendable, Hashable {
  case notAnObject(found: String)
  case unknownVersion(found: String?)
  case notAReview(kind: String?)
  case field(FieldError)
  /// CREATE and UPDATE need an object, DELETE an object or an old one.
  case missingObject(AdmissionRequest.Operation)
}

extension AdmissionReviewError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notAnObject(let found):
      "an AdmissionReview must be an object, but this is \(found)"
    case .unknownVersion(nil):
      "apiVersion is missing: admission.k8s.io/v1 and admission.k8s.io/v1beta1 are known"
    case .unknownVersion(let found?):
      "unknown version \"\(found)\": admission.k8s.io/v1 and admission.k8s.io/v1beta1 are known"
    case .notAReview(nil):
      "kind is missing: it must be AdmissionReview"
    case .notAReview(let kind?):
      "kind must be AdmissionReview, but is \"\(kind)\""
    case .field(let error):
      error.description
    case .missingObject(.delete):
      "request.object and request.oldObject are both null, but the operation is DELETE"
    case .missingObject(let operation):
      "request.object is null, but the operation is \(operation.rawValue)"
    }
  }
}
