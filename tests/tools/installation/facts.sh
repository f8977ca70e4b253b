# Sourced by the scripts that try the installation: facts that hold or end the script.

fact() { echo "fact: $*"; }
broken() { echo "broken: $*" >&2; exit 1; }

holds() { # WHAT COMMAND...
  local what=$1
  shift
  "$@" || broken "$what: '$*' failed"
  fact "$what"
}

fails() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then broken "$what: '$*' succeeded"; fi
  fact "$what"
}

# Waits up to five minutes: these machines are slow.
eventually() { # WHAT COMMAND...
  local what=$1 i
  shift
  for ((i = 0; i < 1500; i++)); do
    if "$@" >/dev/null 2>&1; then fact "$what"; return; fi
    sleep 0.2
  done
  broken "$what: '$*' did not succeed within five minutes"
}

# Every file of the system with its mode and content; not what the kernel shows, and not what any run of a system writes.
files() {
  local pruned=(/proc /sys /dev /run /tmp /test /var/tmp /var/log /var/lib/systemd /var/cache /lost+found
    /etc/group- /etc/gshadow- /etc/machine-id /etc/.updated /var/.updated /etc/resolv.conf)
  local skip=() path
  for path in "${pruned[@]}"; do skip+=(-path "$path" -o); done
  find / -xdev \( "${skip[@]}" -false \) -prune -o \( -type d -printf '%p/\n' -o -type l -printf '%p -> %l\n' -o -printf '%p %m %s\n' \) | sort
  find / -xdev \( "${skip[@]}" -false \) -prune -o -type f -print0 | xargs -0 cksum | sort -k 3
}

# An image of nothing but busybox.
make_box() {
  mkdir -p /tmp/box
  cp /bin/busybox /tmp/box/busybox
  printf 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nRUN mkdir /www && echo served >/www/index.html\n' >/tmp/box/Dockerfile
  berth docker build -q -t box /tmp/box >/dev/null
  rm -r /tmp/box
}

# The site at port 8099, asked over a connection of its own. It may take its time, where a machine is emulated.
answers() { [ "$(timeout "${PATIENCE:-5}" bash -c 'exec 3<>/dev/tcp/127.0.0.1/8099 && printf "GET / HTTP/1.0\r\n\r\n" >&3 && tail -n 1 <&3' 2>/dev/null)" = served ]; }

# Asks again and again until the file is gone, and counts what failed.
ask_while() { # FILE RESULT
  local asked=0 failed=0
  while [ -e "$1" ]; do
    asked=$((asked + 1))
    PATIENCE=60 answers || failed=$((failed + 1))
  done
  echo "$failed of $asked" >"$2"
}

no_request_failed() { # RESULT
  [[ $(cat "$1") == "0 of "* && $(cat "$1") != "0 of 0" ]] || { echo "requests failed: $(cat "$1")"; return 1; }
}
