import Rego

/// The builtins that know Kubernetes' objects. Asked about what they don't know they fail; they are never undefined, which
/// `not` would turn into true.
public enum KubernetesBuiltins {
  public static let all: [Builtin] = [selectorMatches, podTemplate]

  static let selectorMatches = Builtin(
    "k8s.selector_matches", category: "kubernetes",
    "Whether a label selector matches labels. Fails for a selector that the API server would refuse, and for null: what an "
      + "absent selector means depends on the field that lacks it.",
    [
      Builtin.Parameter(
        "selector", .any, "a LabelSelector: matchLabels and matchExpressions, all of which must hold"),
      Builtin.Parameter("labels", .any, "the labels of an object; null is none"),
    ],
    returns: Builtin.Parameter("matches", .boolean, "whether every requirement holds"),
    .binaryInPlace { selector, labels throws(BuiltinError) in
      if let matches = LabelSelector.matches(selector, labels) { return .boolean(matches) }
      return .boolean(try matches(selector.pointee, labels.pointee))
    })

  private static func matches(_ selector: Value, _ labels: Value) throws(BuiltinError) -> Bool {
    guard case .object = selector else {
      throw .failed(
        "the selector is \(selector.typeNameWithArticle), but must be an object: {} selects every object, and what an "
          + "absent selector means depends on the field that lacks it")
    }
    do throws(SelectorError) {
      return try LabelSelector(selector).matches(labels)
    } catch {
      throw .failed(error.description)
    }
  }

  static let podTemplate = Builtin(
    "k8s.pod_template", category: "kubernetes",
    "The metadata and spec of the pods that a Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job or "
      + "CronJob of any version makes. Fails for every other kind.",
    [Builtin.Parameter("object", .any, "the workload, with its apiVersion and kind")],
    returns: Builtin.Parameter(
      "template", .object(known: ["metadata": .anyObject, "spec": .anyObject], rest: nil),
      "the pods' metadata, which may be empty, and their spec"),
    .unary { object throws(BuiltinError) in
      do throws(PodTemplate.Failure) {
        let template = try PodTemplate(of: object)
        return ["metadata": template.metadata, "spec": template.spec]
      } catch {
        throw .failed(error.description)
      }
    })
}
