"""Settings for both modes: `plain`, as a newcomer would configure it, and `tuned`, based on measurements."""

import os
from urllib.parse import unquote, urlsplit

PEER_MODE = os.environ["PEER_MODE"]
if PEER_MODE not in ("plain", "tuned"):
    raise ValueError("PEER_MODE must be plain or tuned")
TUNED = PEER_MODE == "tuned"

WEBHOOK_KEY = os.environ["WEBHOOK_KEY"].encode()
WEBHOOK_URL = os.environ["WEBHOOK_URL"].encode()

# Unused, because there are no sessions, cookies or tokens to sign.
SECRET_KEY = "unused"
# The server listens only on loopback.
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "peer.urls"
WSGI_APPLICATION = "peer.wsgi.application"
USE_TZ = True
# An encoded full batch is about 2.3 MB, close to the default limit of 2.5 MB, and larger batches are valid.
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

# Log only internal errors, to stderr. By default Django would email them, but no recipient is configured.
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
        # Without this, every request would need AnonymousUser from the auth app.
        "UNAUTHENTICATED_USER": None,
    }
    # Each worker keeps its database connection open.
    DATABASES["default"]["CONN_MAX_AGE"] = None
else:
    # The apps configured by startproject, without the admin.
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
