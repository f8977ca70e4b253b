#!/bin/sh
# Runs the given command as the user rabbitmq:
#   RABBITMQ_DEFAULT_USER, RABBITMQ_DEFAULT_PASS, RABBITMQ_DEFAULT_VHOST   the account and host that a new broker begins with
#   RABBITMQ_ERLANG_COOKIE                                                  what brokers of one cluster share
set -eu
home=/var/lib/rabbitmq
{
  echo "log.console = true"
  echo "log.file = false"
  echo "loopback_users = none"
  echo "default_user = ${RABBITMQ_DEFAULT_USER:-guest}"
  echo "default_pass = ${RABBITMQ_DEFAULT_PASS:-guest}"
  echo "default_vhost = ${RABBITMQ_DEFAULT_VHOST:-/}"
} >/etc/rabbitmq/rabbitmq.conf
if [ -n "${RABBITMQ_ERLANG_COOKIE:-}" ]; then
  rm -f $home/.erlang.cookie
  (umask 077 && printf %s "$RABBITMQ_ERLANG_COOKIE" >$home/.erlang.cookie)
fi
chown -R rabbitmq:rabbitmq $home /etc/rabbitmq/rabbitmq.conf
exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups env HOME=$home "$@"
