from django.urls import path

from delivery import views

app_name = "delivery"
urlpatterns = [
    path("hooks/twilio/status/<uuid:outgoing_id>", views.twilio_status, name="twilio-status"),
]
