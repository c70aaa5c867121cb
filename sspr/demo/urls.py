from django.urls import path

from sspr.demo import views

urlpatterns = [
    path("outbox", views.outbox, name="demo-outbox"),
    path("outbox/<int:message_id>/answer", views.answer, name="demo-answer"),
]
