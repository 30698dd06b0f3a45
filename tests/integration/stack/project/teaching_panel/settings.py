"""Settings come from the environment, so that one copy serves the tests on loopback and on a host."""

import os
import pathlib

_ENV_FILE = pathlib.Path(__file__).resolve().parents[2] / ".env"  # beside the project, as on the real server
if _ENV_FILE.exists():
    for _line in _ENV_FILE.read_text().splitlines():
        os.environ.setdefault(*_line.split("=", 1))

DATA = pathlib.Path(os.environ["SITE_DATA"])  # database and faults; a folder that the workers may write
SECRET_KEY = os.environ.get("SECRET_KEY", "made up: nothing here is secret")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "teaching_panel.urls"
WSGI_APPLICATION = "teaching_panel.wsgi.application"
INSTALLED_APPS = []
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("SITE_DATABASE", DATA / "db.sqlite3"), "OPTIONS": {"timeout": 0.3}}}
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

if "SITE_HARDENED" in os.environ:  # manage.py check --deploy has nothing to say
    MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        *MIDDLEWARE,
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]
    SECURE_HSTS_SECONDS, SECURE_HSTS_INCLUDE_SUBDOMAINS, SECURE_HSTS_PRELOAD = 63072000, True, True
    SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_REDIRECT_EXEMPT = [r"^api/health/$"]  # the monitor asks it on loopback
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
