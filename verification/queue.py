"""The names of this room's jobs."""

SEND_CODE = "verification.send_code"
PLACE_CALL = "verification.place_call"
NOTIFY_OF_IMPORTS = "verification.notify_of_imports"
SWEEP_NOTICES = "verification.sweep_notices"
CHECK_DIRECTORIES = "verification.check_directories"
SEND_NOTICE = "verification.send_notice"
REMIND_OF_EXPIRY = "verification.remind_of_expiry"
