#!/bin/bash
# Runs the given command as the user mysql, after it has set up an empty data folder:
#   MYSQL_ROOT_PASSWORD             required
#   MYSQL_DATABASE                  a database to create
#   MYSQL_USER, MYSQL_PASSWORD      an account with all rights on that database
#
# The setup speaks to a server without a socket (--bootstrap), so no health check can take it for the real one. A setup
# that was cut off has left its marker behind; the next start throws its remains away and begins again.
set -euo pipefail

data=/var/lib/mysql
marker=$data/.setup-unfinished

log() { printf '%s [entrypoint] %s\n' "$(date '+%F %T')" "$*"; }

# Prints a text as an SQL string, quotes included.
quote() {
  local text=${1//\\/\\\\}
  printf "'%s'" "${text//\'/\'\'}"
}

setup_sql() {
  local database=${MYSQL_DATABASE:-} user=${MYSQL_USER:-}
  echo "FLUSH PRIVILEGES;"
  echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $(quote "$MYSQL_ROOT_PASSWORD");"
  echo "CREATE USER 'root'@'%' IDENTIFIED BY $(quote "$MYSQL_ROOT_PASSWORD");"
  echo "GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION;"
  if [ -n "$database" ]; then
    echo "CREATE DATABASE \`${database//\`/\`\`}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;"
  fi
  if [ -n "$user" ]; then
    echo "CREATE USER $(quote "$user")@'%' IDENTIFIED BY $(quote "${MYSQL_PASSWORD:?MYSQL_USER is set, but MYSQL_PASSWORD is not}");"
    if [ -n "$database" ]; then
      echo "GRANT ALL PRIVILEGES ON \`${database//\`/\`\`}\`.* TO $(quote "$user")@'%';"
    fi
  fi
  echo "FLUSH PRIVILEGES;"
}

setup() {
  : "${MYSQL_ROOT_PASSWORD:?MYSQL_ROOT_PASSWORD must be set for the first start with an empty $data}"
  local sql
  sql=$(setup_sql)
  log "setting up $data"
  touch "$marker"
  mariadb-install-db --user=mysql --datadir="$data" --auth-root-authentication-method=normal --skip-test-db >/dev/null
  printf '%s\n' "$sql" | mysqld --user=mysql --datadir="$data" --bootstrap --silent-startup
  sync "$data"
  rm "$marker"
  log "setup done"
}

if [ "${1:-}" = mysqld ] && [ "$(id -u)" = 0 ]; then
  mkdir -p "$data"
  if [ -e "$marker" ]; then
    log "the last setup was cut off; starting again"
    find "$data" -mindepth 1 -delete
  fi
  [ "$(stat -c %U "$data")" = mysql ] || chown -R mysql:mysql "$data"
  [ -d "$data/mysql" ] || setup
  log "starting: $*"
  exec setpriv --reuid=mysql --regid=mysql --init-groups -- "$@"
fi

exec "$@"
