"""Settings come from the environment, so that one copy serves the tests on loopback and on a host."""

import os
import pathlib

DATA = pathlib.Path(os.environ["SITE_DATA"])  # database and faults; a folder that the workers may write
SECRET_KEY = "made up: nothing here is secret"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "teaching_panel.urls"
WSGI_APPLICATION = "teaching_panel.wsgi.application"
INSTALLED_APPS = []
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / "db.sqlite3"}}
LOGGING = {
    "version": 1,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
