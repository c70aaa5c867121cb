from provisioning.models.imports import Import, ImportPart
from provisioning.models.syncs import SignInClaim, SyncProblem, SyncRun, SyncState, SyncStep

__all__ = [
    "Import",
    "ImportPart",
    "SignInClaim",
    "SyncProblem",
    "SyncRun",
    "SyncState",
    "SyncStep",
]
