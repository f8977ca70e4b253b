#!/bin/sh
# Waits for the database and the broker, brings the one to the newest schema, writes the first posts, and leaves the rest to supervisor.
set -e
until mysqladmin ping -h "$DB_HOST" -u "$MYSQL_USER" -p"$MYSQL_PASSWORD" --silent; do
  echo "waiting for the database at $DB_HOST"
  sleep 1
done
python3 -c 'from blog.tasks import celery; celery.connection().ensure_connection(interval_start=1)'
flask --app main db upgrade
flask --app main first-posts
exec supervisord -n -c /etc/supervisor/supervisord.conf
