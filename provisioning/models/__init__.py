from provisioning.models.bulk import BulkPass, BulkRun, BulkState
from provisioning.models.imports import Import, ImportPart
from provisioning.models.syncs import SignInClaim, SyncProblem, SyncRun, SyncState, SyncStep

__all__ = [
    "BulkPass",
    "BulkRun",
    "BulkState",
    "Import",
    "ImportPart",
    "SignInClaim",
    "SyncProblem",
    "SyncRun",
    "SyncState",
    "SyncStep",
]
