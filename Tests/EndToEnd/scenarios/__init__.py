"""The scenarios, file by file in the order in which they run: those that stop parts of the cluster come last, after what looks at all that was asked."""
from . import rules, controllers, ratchet, requests, cluster_policies, audit, hostile, certificates, permissions, following, disruptions, upkeep  # noqa: F401
