#!/bin/sh
set -e
mkdir -p media
python3 manage.py migrate
exec python3 manage.py runserver 0.0.0.0:8000
