"""What Portcullis asks of the API server."""
from endtoend.cluster import NAMESPACE
from endtoend.failure import Failure
from endtoend.registry import scenario


@scenario("With exactly its RBAC, Portcullis is forbidden nothing, and needs all of what it changes")
def is_forbidden_nothing(cluster):
    asked = [
        entry for entry in cluster.plane.audit()
        if entry["user"]["username"] == f"system:serviceaccount:{NAMESPACE}:portcullis"]
    if not asked:
        raise Failure("Portcullis has asked the API server for nothing")
    # Others are answered with 403 as well: what is created in a namespace that is going, for one.
    forbidden = {
        (entry["verb"], entry["requestURI"].split("?")[0]) for entry in asked
        if entry.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"}
    assert not forbidden, f"forbidden: {sorted(forbidden)}"
    used = {
        (entry["verb"], entry["objectRef"].get("resource")) for entry in asked
        if entry.get("objectRef") and entry["responseStatus"]["code"] < 300}
    print("      asked for: " + ", ".join(sorted(f"{verb} {resource}" for verb, resource in used if resource)))
