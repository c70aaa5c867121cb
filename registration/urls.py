from django.urls import path

from registration.views import (
    methods,
    passkey,
    recovery_codes,
    second_factor,
    security_info,
    setup,
    sign_in,
    verify,
)
from verification.methods import DEVICE_PAGES

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
    path("ssprsetup/later", setup.put_off, name="put-off"),
    path("ssprsetup/phone", methods.mobile_phone, name="phone"),
    path("ssprsetup/alternate", methods.mobile_phone, name="alternate"),
    path("ssprsetup/email", methods.email, name="email"),
    path("ssprsetup/office", methods.office, name="office"),
    path("ssprsetup/questions", methods.ask_questions, name="questions"),
    *[path(f"ssprsetup/{page}", methods.device, name=page) for page in DEVICE_PAGES],
    path("ssprsetup/passkey", passkey.add, name="passkey"),
    path("ssprsetup/recovery-codes", recovery_codes.show, name="recovery-codes"),
    path("ssprsetup/recovery-codes/save", recovery_codes.save, name="recovery-codes-save"),
    path("ssprsetup/entered/<slug:factor>", methods.entered, name="entered"),
    path("ssprsetup/verify", verify.verify, name="verify"),
    path("security-info", security_info.security_info, name="security-info"),
    path("security-info/caller", security_info.caller, name="caller"),
    path("security-info/reconfirm", setup.reconfirm, name="reconfirm"),
    path("security-info/proof", verify.choose_proof, name="proof"),
    path("security-info/proof/verify", verify.verify_proof, name="proof-verify"),
    path("security-info/resend/<slug:errand>", verify.resend, name="resend"),
    path("security-info/call-state/<slug:errand>", verify.call_progress, name="call-state"),
    path("security-info/remove/<slug:key>", security_info.remove, name="remove"),
    path("security-info/default", security_info.default_method, name="default-method"),
    path(
        "security-info/browsers/<uuid:browser_id>/forget",
        security_info.forget_browser,
        name="forget-browser",
    ),
    path("security-info/sign-out-everywhere", security_info.sign_out_everywhere, name="sign-out"),
]
