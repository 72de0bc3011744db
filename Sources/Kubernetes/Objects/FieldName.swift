import Rego

/// Names of fields that are read while a request waits, made once.
enum FieldName {
  static let annotations: RegoString = "annotations"
  static let apiVersion: RegoString = "apiVersion"
  static let controller: RegoString = "controller"
  static let data: RegoString = "data"
  static let deletionTimestamp: RegoString = "deletionTimestamp"
  static let dryRun: RegoString = "dryRun"
  static let generateName: RegoString = "generateName"
  static let group: RegoString = "group"
  static let groups: RegoString = "groups"
  static let items: RegoString = "items"
  static let kind: RegoString = "kind"
  static let labels: RegoString = "labels"
  static let metadata: RegoString = "metadata"
  static let name: RegoString = "name"
  static let namespace: RegoString = "namespace"
  static let object: RegoString = "object"
  static let oldObject: RegoString = "oldObject"
  static let operation: RegoString = "operation"
  static let options: RegoString = "options"
  static let ownerReferences: RegoString = "ownerReferences"
  static let request: RegoString = "request"
  static let requestKind: RegoString = "requestKind"
  static let resource: RegoString = "resource"
  static let spec: RegoString = "spec"
  static let stringData: RegoString = "stringData"
  static let subResource: RegoString = "subResource"
  static let template: RegoString = "template"
  static let uid: RegoString = "uid"
  static let userInfo: RegoString = "userInfo"
  static let username: RegoString = "username"
  static let version: RegoString = "version"

  static let all = [
    annotations, apiVersion, controller, data, deletionTimestamp, dryRun, generateName, group, groups, items,
    kind,
    labels, metadata, name, namespace, object, oldObject, operation, options, ownerReferences, request,
    requestKind, resource, spec, stringData, subResource, template, uid, userInfo, username, version,
  ]
}
