"""The names of this room's jobs."""

IMPORT = "provisioning.import_people"
SWEEP = "provisioning.sweep_imports"
SYNC = "provisioning.sync_directory"
SWEEP_SYNCS = "provisioning.sweep_syncs"
