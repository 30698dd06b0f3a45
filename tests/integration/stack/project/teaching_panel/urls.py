"""The addresses that the monitor asks."""

from django.conf import settings
from django.urls import path

from . import views

urlpatterns = [
    path("api/health/", views.health),
]
if settings.INSTALLED_APPS:
    from . import api

    urlpatterns += api.urlpatterns
