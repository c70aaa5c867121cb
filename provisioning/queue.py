"""The names of this room's jobs."""

IMPORT = "provisioning.import_people"
SWEEP = "provisioning.sweep_imports"
