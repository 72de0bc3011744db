import Admission
import Connectivity
import Rego

extension ClusterModel {
  /// What `netpol.*` functions of a program answer from: the document `data.inventory`, where the program calls one of them and there is
  /// such a document.
  init?(data: Value, for program: Program) {
    let functions = NetworkPolicyBuiltins.functions(among: program.builtinNames)
    guard !functions.isEmpty, let inventory = data["inventory"] else { return nil }
    self.init(inventory: inventory, withPods: NetworkPolicyBuiltins.needPods(functions))
  }

  /// The functions' host for an evaluation with an input.
  func question(_ input: Value?) -> ClusterQuestion {
    ClusterQuestion(SharedModel(self), request: input?["request"]?.object)
  }
}
