"""Every setting of the platform; what installations differ in is an environment variable (see `.env.example`)."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from inspection_platform.env import development_secret, storage_config
from inspection_platform.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()
env.read_env(BASE_DIR / ".env")

# --- secrets ---------------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured("Set SECRET_KEY: with DEBUG=off nothing is generated.")
    SECRET_KEY = development_secret(VAR_DIR / "secret_key")
#: Keys that seal stored secrets, newest first (an older one still opens). In development derived from SECRET_KEY.
SEALING_KEYS: list[str] = env.list("SEALING_KEYS", default=[])

# --- where we are reached --------------------------------------------------------------------------------------------
PORT = env.int("PORT", default=8000)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", "testserver", urlsplit(PUBLIC_URL).hostname or ""]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL])
#: How many proxies in front may be believed about X-Forwarded-For; 0 ignores the header.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
IS_HTTPS = PUBLIC_URL.startswith("https://")
if not DEBUG:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=IS_HTTPS)
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31536000 if IS_HTTPS else 0)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
    if TRUSTED_PROXIES:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
# Two installations on one host name (other ports) must not overwrite each other's session.
SESSION_COOKIE_NAME = f"session_{PORT}"
CSRF_COOKIE_NAME = f"csrf_{PORT}"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- the project -----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "django_structlog",
    "django_prometheus",
    "simple_history",
    "import_export",
    "axes",
    "tenants",
    "assets",
    "imaging",
    "damages",
    "inspection_platform",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "inspection_platform.api.middleware.FamilyErrors",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "inspection_platform.middleware.station_time.StationTime",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "inspection_platform.urls"
WSGI_APPLICATION = "inspection_platform.wsgi.application"
# The vendors' paths come with and without a trailing slash; each route accepts both, so nothing is redirected.
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = ["inspection_platform.formats"]

# --- database, cache, queue ------------------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        # Web and workers write to one file: WAL lets readers go on, IMMEDIATE takes the write lock at the start of a
        # transaction (a later upgrade could not wait), the timeout waits for it.
        transaction_mode="IMMEDIATE",
        timeout=30,
        init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
    )
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
# Opening a connection anew for each request would cost more than most of them do, on SQLite too.
DATABASES["default"].update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
CACHES = {
    # Counters and throttles are shared by all processes: the database by default, anything else by CACHE_URL.
    "default": env.cache("CACHE_URL", default="dbcache://cache_entries?max_entries=10000"),
    # django-q writes its own status here twice a second; nobody else reads it.
    "queue": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
#: Seconds after which a job's task is interrupted; its row keeps what is done already.
JOB_TIMEOUT_SECONDS = env.int("JOB_TIMEOUT_SECONDS", default=900)
#: Seconds a worker may be silent before its job is given to another one.
JOB_LEASE_SECONDS = env.int("JOB_LEASE_SECONDS", default=45)
JOB_MAX_ATTEMPTS = env.int("JOB_MAX_ATTEMPTS", default=3)
ML_WORKERS = env.int("ML_WORKERS", default=os.cpu_count() or 2)
IO_WORKERS = env.int("IO_WORKERS", default=2)
#: Threads of one interpreter; one, since there are as many workers as cores.
ML_THREADS = env.int("ML_THREADS", default=1)
Q_CLUSTER = {
    "name": "platform",
    "orm": "default",
    "bulk": 1,
    "queue_limit": 1,
    "poll": 0.2,
    "timeout": JOB_TIMEOUT_SECONDS,
    # A task may wait locally for one before it, so a second delivery must come later than both.
    "retry": 2 * JOB_TIMEOUT_SECONDS + 60,
    "ack_failures": False,
    "max_attempts": JOB_MAX_ATTEMPTS,
    "catch_up": False,
    "scheduler": False,
    "save_limit": -1,
    "max_rss": 900_000,
    "cache": "queue",
    "label": "Queue",
    "ALT_CLUSTERS": {"ml": {"workers": ML_WORKERS}, "io": {"workers": IO_WORKERS}},
}

# --- files -----------------------------------------------------------------------------------------------------------
STORAGE_URL = env.str("STORAGE_URL", default=f"file://{VAR_DIR / 'media'}")
STORAGES = {
    "default": storage_config(STORAGE_URL),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = STORAGES["default"]["OPTIONS"].get("location", "") if STORAGE_URL.startswith("file:") else ""
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
#: Uploads stream to a file beside their final place, so that keeping one is a rename.
FILE_UPLOAD_TEMP_DIR = (
    env.str("UPLOAD_TEMP_DIR", default=str(Path(MEDIA_ROOT) / ".incoming") if MEDIA_ROOT else "") or None
)
if FILE_UPLOAD_TEMP_DIR:
    Path(FILE_UPLOAD_TEMP_DIR).mkdir(parents=True, exist_ok=True)
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o640
DATA_UPLOAD_MAX_NUMBER_FILES = 1000
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
MAX_PHOTO_BYTES = env.int("MAX_PHOTO_BYTES", default=30_000_000)
MAX_PHOTO_PIXELS = env.int("MAX_PHOTO_PIXELS", default=64_000_000)
#: Seconds for which an address in a result stays valid (the Inspektlabs contract names seven days).
RESULT_URL_SECONDS = env.int("RESULT_URL_SECONDS", default=604_799)
#: Bytes of an uploaded candidate, card and all files together, and seconds that trying it may take.
MAX_MODEL_BYTES = env.int("MAX_MODEL_BYTES", default=60_000_000)
MODEL_TRY_SECONDS = env.int("MODEL_TRY_SECONDS", default=120)
#: Where each machine keeps copies of the uploaded models it runs; named by content, so that installations may share it.
MODEL_CACHE_DIR = Path(env.str("MODEL_CACHE_DIR", default=str(VAR_DIR / "models")))
DATA_ROOT = env.str("DATA_ROOT", default=str(VAR_DIR / "data"))

# --- people ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "tenants.rights.RoleBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {"user_attributes": ("phone", "first_name", "last_name", "email")}),
        ("MinimumLengthValidator", {}),
        ("CommonPasswordValidator", {}),
    )
]
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=10)
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_IPWARE_PROXY_COUNT = TRUSTED_PROXIES or None
AXES_IPWARE_META_PRECEDENCE_ORDER = ["HTTP_X_FORWARDED_FOR", "REMOTE_ADDR"] if TRUSTED_PROXIES else ["REMOTE_ADDR"]
AXES_SENSITIVE_PARAMETERS = ["password"]
# Forms and API both name it so, whatever the model's field is called; failures are counted by the canonical number.
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "tenants.phones.counted_username"
#: Logins a minute with one user name, and from one address; 0: no limit.
LOGIN_RATE_PER_NAME = env.int("LOGIN_RATE_PER_NAME", default=10)
LOGIN_RATE_PER_ADDRESS = env.int("LOGIN_RATE_PER_ADDRESS", default=60)
#: In ten minutes: codes asked for with one name, codes tried with one name, and both from one address; 0: no limit.
CODE_RATE_PER_NAME = env.int("CODE_RATE_PER_NAME", default=5)
CODE_TRY_RATE_PER_NAME = env.int("CODE_TRY_RATE_PER_NAME", default=20)
CODE_RATE_PER_ADDRESS = env.int("CODE_RATE_PER_ADDRESS", default=60)
LOGIN_URL = reverse_lazy("admin:login")
# unfold's log-in form does not say where to go when nobody was on the way to a page.
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
#: Seconds for which a set stays with the annotator or reviewer who took it; each action begins them anew.
MANUAL_LOCK_SECONDS = env.int("MANUAL_LOCK_SECONDS", default=1800)
ACCESS_TOKEN_SECONDS = 3600
REFRESH_TOKEN_SECONDS = env.int("REFRESH_TOKEN_SECONDS", default=86_400)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=ACCESS_TOKEN_SECONDS),
    "REFRESH_TOKEN_LIFETIME": timedelta(seconds=REFRESH_TOKEN_SECONDS),
    "ALGORITHM": "HS256",
    "ISSUER": "inspection-platform",
}

# --- outward ---------------------------------------------------------------------------------------------------------
#: Private addresses or networks that outbound calls may reach all the same; empty: none.
OUTBOUND_ALLOW: list[str] = env.list("OUTBOUND_ALLOW", default=[])
#: Seconds before each of the two retries of an Inspektlabs-shaped result.
INSPEKTLABS_RETRY_SECONDS = env.int("INSPEKTLABS_RETRY_SECONDS", default=3600)
FETCH_SECONDS = env.int("FETCH_SECONDS", default=60)
DELIVERY_SECONDS = env.int("DELIVERY_SECONDS", default=30)
#: Another system that knows cars: how it is asked by plate and by VIN ("": it is not), and where its answers hold what.
CAR_INFO_URL = env.str("CAR_INFO_URL", default="")
CAR_INFO_VIN_URL = env.str("CAR_INFO_VIN_URL", default="")
CAR_INFO_HEADERS = env.json("CAR_INFO_HEADERS", default={})
CAR_INFO_FIELDS = env.json("CAR_INFO_FIELDS", default={})
#: Countries whose plates it knows; empty: all.
CAR_INFO_COUNTRIES: list[str] = env.list("CAR_INFO_COUNTRIES", default=["NO"])
CAR_INFO_SECONDS = env.float("CAR_INFO_SECONDS", default=5.0)
CAR_INFO_CACHE_SECONDS = env.int("CAR_INFO_CACHE_SECONDS", default=86_400)
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="inspections@localhost")
#: How one-time codes are sent: console, email, sms, or the dotted path of a class (see tenants/messages).
CODE_BACKEND = env.str("CODE_BACKEND", default="console")
SMS_URL = env.str("SMS_URL", default="")
SMS_METHOD = env.str("SMS_METHOD", default="POST")
#: A JSON object; secret, since it holds what the gateway lets us in by.
SMS_HEADERS: dict[str, str] = env.json("SMS_HEADERS", default={})
SMS_BODY = env.str("SMS_BODY", default='{"to": "{to}", "text": "{text}"}')
#: Networks that may read /metrics; empty: nobody.
METRICS_ALLOW: list[str] = env.list("METRICS_ALLOW", default=[])

# --- HTTP APIs -------------------------------------------------------------------------------------------------------
#: Seconds after which a request under an Idempotency-Key that never ended (its process died) may be carried out again.
IDEMPOTENCY_LEASE_SECONDS = env.int("IDEMPOTENCY_LEASE_SECONDS", default=300)
#: Days after which a session that nobody used, and a set that nobody submitted, are cleaned up.
SESSION_DAYS = env.int("SESSION_DAYS", default=30)
#: Requests a minute of one capture unit; 0: no limit.
DEVICE_RATE = env.int("DEVICE_RATE", default=120)
#: Seconds that a pass waits for a capture unit that sends nothing; then it goes on with what the others sent.
RECORDING_PATIENCE_SECONDS = env.int("RECORDING_PATIENCE_SECONDS", default=600)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["inspection_platform.api.renderers.FastJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
    "NUM_PROXIES": TRUSTED_PROXIES,
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Inspection platform",
    "DESCRIPTION": "Several vendors' HTTP families over one domain. *Ours* marks what their own pages leave open.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/(core/v1|inspektlabs|pave|instavid360)",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": False,
    "ENUM_NAME_OVERRIDES": {"CameraName": "tenants.catalogue.CAMERAS"},
}

# --- staff pages -----------------------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "Inspections",
    "SITE_HEADER": "Inspections",
    "SITE_SYMBOL": "directions_car",
    # The admin is the only site: there is nothing to return to.
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("portal/favicon.svg")},
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda _request: static("portal/admin.css")],
    "SCRIPTS": [lambda _request: static("portal/acting.js")],
    # The tenant switcher above the navigation.
    "GLOBAL_CALLBACK": "inspection_platform.portal.acting.switcher",
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": True,
        "navigation": "inspection_platform.portal.navigation.sidebar",
    },
}
SIMPLE_HISTORY_HISTORY_ID_USE_UUID = True
# An import is one transaction: a broken row stores nothing. A cell that a spreadsheet would take for a formula is text.
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True

# --- what happened ---------------------------------------------------------------------------------------------------
LOGGING = logging_config(level=env.str("LOG_LEVEL", default="INFO"), as_json=env.bool("LOG_JSON", default=not DEBUG))
