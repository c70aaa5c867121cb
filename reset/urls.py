from django.urls import path

from reset.queries.attempts import Reads
from reset.views import ends, gates, hints, start

app_name = "reset"
urlpatterns = [
    path("passwordreset", start.identify, name="identify"),
    path("passwordreset/choose", start.choose, name="choose"),
    path("passwordreset/again", start.again, name="again"),
    path("passwordreset/verify", gates.verify, name="verify"),
    path("passwordreset/number", gates.number, name="number"),
    path("passwordreset/code", gates.answers_to("code"), name="code"),
    path("passwordreset/call", gates.answers_to("call"), name="call"),
    path("passwordreset/call-state", gates.call_progress, name="call-state"),
    path("passwordreset/app", gates.answers_to("app"), name="app"),
    path("passwordreset/token", gates.answers_to("token"), name="token"),
    path("passwordreset/passkey", gates.answers_to("passkey"), name="passkey"),
    path("passwordreset/new-password/hint", hints.new_password, name="new-password-hint"),
    path("passwordreset/recovery-code", gates.answers_to("recovery-code"), name="recovery-code"),
    path("passwordreset/questions", gates.answers_to("questions", Reads.METHODS), name="questions"),
    path("passwordreset/resend", gates.resend, name="resend"),
    path("passwordreset/new-password", ends.new_password, name="new-password"),
    path("passwordreset/unlock", ends.unlock, name="unlock"),
    path("passwordreset/done", ends.done, name="done"),
    path("passwordreset/another", ends.another, name="another"),
    path("passwordreset/ended", ends.ended, name="ended"),
    path("passwordreset/contact", ends.ask_for_help, name="contact"),
]
