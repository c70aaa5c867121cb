from django.urls import path

from reset.views import ends, gates, hints, start
from verification.methods import VERIFIERS

app_name = "reset"
urlpatterns = [
    path("passwordreset", start.identify, name="identify"),
    path("passwordreset/choose", start.choose, name="choose"),
    path("passwordreset/again", start.again, name="again"),
    path("passwordreset/verify", gates.verify, name="verify"),
    path("passwordreset/number", gates.number, name="number"),
    *[path(f"passwordreset/{page}", gates.answers_to(page), name=page) for page in VERIFIERS],
    path("passwordreset/call-state", gates.call_progress, name="call-state"),
    path("passwordreset/new-password/hint", hints.new_password, name="new-password-hint"),
    path("passwordreset/resend", gates.resend, name="resend"),
    path("passwordreset/new-password", ends.new_password, name="new-password"),
    path("passwordreset/unlock-instead", ends.unlock_instead, name="unlock-instead"),
    path("passwordreset/checking", ends.checking, name="checking"),
    path("passwordreset/unlock", ends.unlock, name="unlock"),
    path("passwordreset/done", ends.done, name="done"),
    path("passwordreset/another", ends.another, name="another"),
    path("passwordreset/ended", ends.ended, name="ended"),
    path("passwordreset/contact", ends.ask_for_help, name="contact"),
]
