from django.urls import path

from verification import views

app_name = "verification"
urlpatterns = [
    path("hooks/twilio/voice/<uuid:challenge_id>", views.voice, name="voice"),
    path("hooks/twilio/voice/<uuid:challenge_id>/digits", views.voice_digits, name="voice-digits"),
]
