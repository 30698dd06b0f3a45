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
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / "db.sqlite3", "OPTIONS": {"timeout": 0.3}}}
LOGGING = {
    "version": 1,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}

if "SITE_API" in os.environ:  # what the smoke check walks through (api.py); other tests start sooner without
    INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "people"]
    AUTH_USER_MODEL = "people.User"
    DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",  # the slash at the end
        "django.middleware.csrf.CsrfViewMiddleware",
    ]
    SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a test logs in often
    CSRF_TRUSTED_ORIGINS = ["https://site.test"]
