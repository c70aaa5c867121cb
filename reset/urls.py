from django.urls import path

from reset.views import change, ends, gates, hints, start, wasnt_me

app_name = "reset"
urlpatterns = [
    path("changepassword", change.change_password, name="change-password"),
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
    path("changepassword/hint", hints.change_password, name="change-password-hint"),
    path("passwordreset/recovery-code", gates.recovery_code, name="recovery-code"),
    path("passwordreset/questions", gates.answers, name="questions"),
    path("passwordreset/resend", gates.resend, name="resend"),
    path("passwordreset/new-password", ends.new_password, name="new-password"),
    path("passwordreset/unlock", ends.unlock, name="unlock"),
    path("passwordreset/done", ends.done, name="done"),
    path("passwordreset/another", ends.another, name="another"),
    path("passwordreset/ended", ends.ended, name="ended"),
    path("passwordreset/contact", ends.ask_for_help, name="contact"),
    path("wasnt-me", wasnt_me.frozen, name="frozen"),
    path("wasnt-me/<str:token>", wasnt_me.from_notice, name="wasnt-me"),
    path("w/<str:token>", wasnt_me.from_notice, name="wasnt-me-in-a-text"),
    path("security-info/wasnt-me", wasnt_me.by_oneself, name="freeze"),
]
