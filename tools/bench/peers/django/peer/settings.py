"""Settings of both modes: `plain`, as a newcomer has them, and `tuned`, as somebody has them who measured."""

import os
from urllib.parse import unquote, urlsplit

PEER_MODE = os.environ["PEER_MODE"]
if PEER_MODE not in ("plain", "tuned"):
    raise ValueError("PEER_MODE must be plain or tuned")
TUNED = PEER_MODE == "tuned"

WEBHOOK_KEY = os.environ["WEBHOOK_KEY"].encode()
WEBHOOK_URL = os.environ["WEBHOOK_URL"].encode()

# Nothing is signed with it: there are no sessions, cookies or tokens.
SECRET_KEY = "unused"
# The server listens on loopback alone.
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "peer.urls"
WSGI_APPLICATION = "peer.wsgi.application"
USE_TZ = True
# A full batch is about 2.3 MB encoded, near the default of 2.5 MB; larger ones are legitimate.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 << 20

database = urlsplit(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": database.hostname,
        "PORT": database.port,
        "USER": unquote(database.username or ""),
        "PASSWORD": unquote(database.password or ""),
        "NAME": unquote(database.path.lstrip("/")),
    }
}

# Only failures of our own, on stderr; Django would mail them to nobody.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler", "level": "ERROR"}},
    "root": {"handlers": ["stderr"]},
}

if TUNED:
    INSTALLED_APPS = ["rest_framework", "webhook"]
    MIDDLEWARE = []
    REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        # Without it every request asks for the auth app's AnonymousUser.
        "UNAUTHENTICATED_USER": None,
    }
    # Each worker keeps its connection for good.
    DATABASES["default"]["CONN_MAX_AGE"] = None
else:
    # What startproject writes, without the admin.
    INSTALLED_APPS = [
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "rest_framework",
        "webhook",
    ]
    MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]
