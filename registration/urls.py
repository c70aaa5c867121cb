from django.urls import path

from registration.views import interrupt, methods, security_info, setup, sign_in, verify

app_name = "registration"
urlpatterns = [
    path("signin", sign_in.signin, name="signin"),
    path("signout", sign_in.signout, name="signout"),
    path("session/extend", sign_in.extend, name="extend"),
    path("ssprsetup", setup.setup, name="setup"),
    path("ssprsetup/done", setup.done, name="setup-done"),
    path("ssprsetup/later", interrupt.put_off, name="put-off"),
    path("ssprsetup/phone", methods.phone, name="phone"),
    path("ssprsetup/email", methods.email, name="email"),
    path("ssprsetup/office", methods.office, name="office"),
    path("ssprsetup/questions", methods.ask_questions, name="questions"),
    path("ssprsetup/app", methods.app, name="app"),
    path("ssprsetup/entered/<slug:proof>", methods.entered, name="entered"),
    path("ssprsetup/verify", verify.verify, name="verify"),
    path("security-info", security_info.security_info, name="security-info"),
    path("security-info/reconfirm", interrupt.reconfirm, name="reconfirm"),
    path("security-info/proof", verify.choose_proof, name="proof"),
    path("security-info/proof/verify", verify.verify_proof, name="proof-verify"),
    path("security-info/resend/<slug:errand>", verify.resend, name="resend"),
    path("security-info/call-state/<slug:errand>", verify.call_progress, name="call-state"),
    path("security-info/remove/<slug:key>", security_info.remove, name="remove"),
    path("security-info/sign-out-everywhere", security_info.sign_out_everywhere, name="sign-out"),
]
