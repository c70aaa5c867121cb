"""The names of this room's jobs."""

IMPORT = "directory.import_people"
SWEEP = "directory.sweep_imports"
