import os

from .common import *

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["pictures.test", "www.pictures.test", "localhost"]
