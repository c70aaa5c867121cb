from django.urls import path

from reset.views import ends, gates, hints, start

app_name = "reset"
urlpatterns = [
    path("passwordreset", start.identify, name="identify"),
    path("passwordreset/choose", start.choose, name="choose"),
    path("passwordreset/again", start.again, name="again"),
    path("passwordreset/verify", gates.verify, name="verify"),
    path("passwordreset/number", gates.number, name="number"),
    path("passwordreset/code", gates.code, name="code"),
    path("passwordreset/call", gates.call, name="call"),
    path("passwordreset/call-state", gates.call_progress, name="call-state"),
    path("passwordreset/app", gates.app, name="app"),
    path("passwordreset/passkey", gates.passkey, name="passkey"),
    path("passwordreset/new-password/hint", hints.new_password, name="new-password-hint"),
    path("passwordreset/recovery-code", gates.recovery_code, name="recovery-code"),
    path("passwordreset/questions", gates.answers, name="questions"),
    path("passwordreset/resend", gates.resend, name="resend"),
    path("passwordreset/new-password", ends.new_password, name="new-password"),
    path("passwordreset/unlock", ends.unlock, name="unlock"),
    path("passwordreset/done", ends.done, name="done"),
    path("passwordreset/another", ends.another, name="another"),
    path("passwordreset/ended", ends.ended, name="ended"),
    path("passwordreset/contact", ends.ask_for_help, name="contact"),
]
