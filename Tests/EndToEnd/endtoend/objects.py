"""Objects that scenarios apply."""

IMAGE = "registry.example/app:1"


def metadata(name, namespace, **others):
    return {"name": name, "namespace": namespace, **others}


def policy(name, namespace, labels=None, **spec):
    """A NetworkPolicy for pods with these labels, every pod without any, that admits everyone unless `spec` says otherwise."""
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata(name, namespace),
        "spec": {"podSelector": {"matchLabels": labels} if labels else {}, "ingress": [{}], **spec}}


def policy_without_ingress(name, namespace):
    manifest = policy(name, namespace, policyTypes=["Ingress"])
    del manifest["spec"]["ingress"]
    return manifest


def pod_spec(**others):
    return {"containers": [{"name": "app", "image": IMAGE}], **others}


def pod(name, namespace, labels, **others):
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata(name, namespace, labels=labels, **others), "spec": pod_spec()}


def template(labels):
    return {"metadata": {"labels": labels}, "spec": pod_spec()}


def workload(kind, name, namespace, labels, replicas=1):
    """A Deployment, StatefulSet, DaemonSet, ReplicaSet or Job."""
    spec = {"template": template(labels)}
    if kind == "Job":
        spec["template"]["spec"]["restartPolicy"] = "Never"
    else:
        spec["selector"] = {"matchLabels": labels}
        if kind != "DaemonSet":
            spec["replicas"] = replicas
        if kind == "StatefulSet":
            spec["serviceName"] = name
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1", "kind": kind, "metadata": metadata(name, namespace), "spec": spec}


def deployment(name, namespace, labels, replicas=1):
    return workload("Deployment", name, namespace, labels, replicas)


def config_map(name, namespace, data, labels=None):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name, namespace, labels=labels or {}), "data": data}
