from django.urls import path

from registration.views import (
    methods,
    recovery_codes,
    second_factor,
    security_info,
    setup,
    sign_in,
    sign_in_settings,
    verify,
)

app_name = "registration"
urlpatterns = [
    path("signin", sign_in.signin, name="signin"),
    path("signin/pass", sign_in.signin_by_pass, name="signin-pass"),
    path("signin/second-factor", second_factor.choose, name="second-factor"),
    path("signin/second-factor/verify", second_factor.verify, name="second-factor-verify"),
    path("signin/second-factor/resend", second_factor.resend, name="second-factor-resend"),
    path("signin/second-factor/call", second_factor.call_progress, name="second-factor-call"),
    path("signout", sign_in.signout, name="signout"),
    path("session/extend", sign_in.extend, name="extend"),
    path("ssprsetup", setup.setup, name="setup"),
    path("ssprsetup/done", setup.done, name="setup-done"),
    path("ssprsetup/phone", methods.phone, name="phone"),
    path("ssprsetup/email", methods.email, name="email"),
    path("ssprsetup/office", methods.office, name="office"),
    path("ssprsetup/questions", methods.ask_questions, name="questions"),
    path("ssprsetup/app", methods.app, name="app"),
    path("ssprsetup/recovery-codes", recovery_codes.show, name="recovery-codes"),
    path("ssprsetup/recovery-codes/save", recovery_codes.save, name="recovery-codes-save"),
    path("ssprsetup/entered/<slug:proof>", methods.entered, name="entered"),
    path("ssprsetup/verify", verify.verify, name="verify"),
    path("security-info", security_info.security_info, name="security-info"),
    path("security-info/proof", verify.choose_proof, name="proof"),
    path("security-info/proof/verify", verify.verify_proof, name="proof-verify"),
    path("security-info/resend/<slug:errand>", verify.resend, name="resend"),
    path("security-info/call-state/<slug:errand>", verify.call_progress, name="call-state"),
    path("security-info/remove/<slug:key>", security_info.remove, name="remove"),
    path("security-info/default", sign_in_settings.default_method, name="default-method"),
    path(
        "security-info/browsers/<uuid:browser_id>/forget",
        sign_in_settings.forget_browser,
        name="forget-browser",
    ),
    path("security-info/sign-out-everywhere", security_info.sign_out_everywhere, name="sign-out"),
]
