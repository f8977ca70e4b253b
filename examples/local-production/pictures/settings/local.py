from .common import *

SECRET_KEY = "only-for-development"
DEBUG = True
ALLOWED_HOSTS = ["*"]
