import os

from django.contrib import admin
from django.urls import include, path

_resets = "django.contrib.auth.urls" if os.environ["PEER"] == "contrib" else "allauth.urls"

urlpatterns = [path("admin/", admin.site.urls), path("accounts/", include(_resets))]
