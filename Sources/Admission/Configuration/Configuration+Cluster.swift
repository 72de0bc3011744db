import KubernetesClient

extension Configuration {
  /// How to reach the cluster that is the inventory; nil where none is.
  ///
  /// That is the one that a kubeconfig names, or the one that this runs in: where that is asked for, and where nothing is said of the
  /// inventory at all.
  ///
  /// - Throws: what keeps it from being reached, with file and line, and settings that exclude each other.
  public func cluster() throws(PolicyProblems) -> ClientConfiguration? {
    func problem(_ message: String) -> PolicyProblems {
      PolicyProblems([PolicyProblem(file: "", message: message)])
    }
    let hasFiles = inventoryPaths?.isEmpty == false
    if hasFiles, kubeconfig != nil || inCluster == true {
      throw problem("the inventory comes from files or from a cluster, not from both")
    }
    if kubeconfig != nil, inCluster == true {
      throw problem("the cluster is that of a kubeconfig or the one that this runs in, not both")
    }
    if context != nil, kubeconfig == nil { throw problem("context says nothing without a kubeconfig") }
    do throws(ClientConfigurationError) {
      if let kubeconfig { return try Kubeconfig.load(path: kubeconfig, context: context) }
      if inCluster == true || inCluster == nil && !hasFiles && ClientConfiguration.isInCluster() {
        return try ClientConfiguration.inCluster()
      }
      return nil
    } catch {
      throw PolicyProblems([
        PolicyProblem(
          file: error.file, line: error.line, column: error.column, message: error.problem)
      ])
    }
  }
}
