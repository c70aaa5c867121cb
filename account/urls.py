from django.urls import path

from account.views import change, hints, wasnt_me

app_name = "account"
urlpatterns = [
    path("changepassword", change.change_password, name="change-password"),
    path("changepassword/hint", hints.change_password, name="change-password-hint"),
    path("wasnt-me", wasnt_me.frozen, name="frozen"),
    path("wasnt-me/<str:token>", wasnt_me.from_notice, name="wasnt-me"),
    path("w/<str:token>", wasnt_me.from_notice, name="wasnt-me-in-a-text"),
    path("security-info/wasnt-me", wasnt_me.while_signed_in, name="freeze"),
]
