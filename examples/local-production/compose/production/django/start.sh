#!/bin/sh
set -e
export DJANGO_SETTINGS_MODULE=pictures.settings.production
python3 manage.py migrate
python3 manage.py collectstatic --noinput
mkdir -p media
exec gunicorn pictures.wsgi:application -w 4 -k gthread -b 0.0.0.0:8000 --chdir=/app
