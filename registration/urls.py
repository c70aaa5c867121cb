from django.http import HttpResponse
from django.urls import path

app_name = "registration"
urlpatterns = [
    path(n, lambda r: HttpResponse(n), name=n) for n in ("signin", "signout", "setup", "extend")
]
