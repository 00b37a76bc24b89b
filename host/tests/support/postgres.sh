# Holds one private Postgres for a test process: `sh postgres.sh BINARIES PASSWORD CERTAINTY`.
#
# It is told what to do on its standard input, a pipe that only the test process holds: `start PORT`, `stop`. At the end
# of that input, however the test process ended, it stops Postgres and removes everything. It answers on standard output:
# first the folder, then `ready`, `failed` or `stopped` for every line.
trap '' PIPE # an answer that nobody reads must not end it before it has cleaned up
binaries=$1 password=$2 certainty=$3 pid= roots= folder=
cd /
export LC_ALL=C

# A database is about a thousand files: in memory, where there is plenty, it is made in a tenth of the time.
memory=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
[ "$certainty" = quick ] && [ "${memory:-0}" -gt 4000000 ] && roots=/dev/shm
for root in $roots "${TMPDIR:-/tmp}" /tmp; do
  folder=$(mktemp -d "$root/backfill-postgres.XXXXXX" 2>/dev/null) && break
done
[ -n "$folder" ] || exit 1
data=$folder/data

initialise() {
  "$binaries/initdb" --pgdata="$data" --username=backfill --pwfile="$folder/password" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C --no-sync "$@" >>"$folder/log" 2>&1
}

stop() {
  [ -z "$pid" ] || { kill -QUIT "$pid" && wait "$pid"; } 2>/dev/null
  pid=
}

start() {
  "$binaries/postgres" -D "$data" -p "$1" >>"$folder/log" 2>&1 &
  pid=$!
  # Ready is what Postgres says in its own lock file: a connection might reach somebody else's server on this port.
  until [ "$(sed -n '1p;8p' "$data/postmaster.pid" 2>/dev/null | tr -d ' \n')" = "${pid}ready" ]; do
    kill -0 "$pid" 2>/dev/null || { wait "$pid"; pid=; return 1; }
    sleep 0.02
  done
}

echo "$folder"
echo "$password" >"$folder/password"
# Text sorts by a language's rules where that can be had, as on most servers: SQL that counts on byte order fails here.
initialise --locale-provider=icu --icu-locale=en-US || initialise
{
  echo "listen_addresses = '127.0.0.1'"
  # Paths of sockets are short.
  if [ ${#folder} -lt 80 ]; then echo "unix_socket_directories = '$folder'"; else echo "unix_socket_directories = ''"; fi
  echo "max_connections = 300"
  echo "shared_buffers = 64MB"
  if [ "$certainty" = quick ]; then
    echo "fsync = off"
    echo "synchronous_commit = off"
    echo "full_page_writes = off"
    echo "max_wal_size = 256MB"
  elif [ "$certainty" = forgetful ]; then
    # What nobody waits for stays in memory for as long as can be: if it is stopped, it forgets whatever it may.
    echo "wal_writer_delay = 10s"
  fi
} >>"$data/postgresql.conf"

while read -r order port; do
  case $order in
    start) if start "$port"; then echo ready; else echo failed; fi ;;
    stop) stop; echo stopped ;;
  esac
done
stop
rm -rf "$folder"
