usage() {
  cat >&2 <<EOF
Usage: $(basename "$0") [options] [DOCUMENT_ROOT]
  -C FILE   settings of the web server to include
  -F FILE   settings of PHP-FPM to include
  -i FILE   php.ini to use as well
  -p PORT   port, \$PORT unless given
  -v        say more
EOF
  exit 2
}
root="$HOME/.heroku/php" web_conf= fpm_conf= ini= port="${PORT:-}"
while getopts ":C:F:i:p:l:vth" option; do
  case $option in
  C) web_conf=$OPTARG ;;
  F) fpm_conf=$OPTARG ;;
  i) ini=$OPTARG ;;
  p) port=$OPTARG ;;
  l | v | t) ;;
  *) usage ;;
  esac
done
shift $((OPTIND - 1))
cd "$HOME" || exit 1
docroot=$(readlink -f "${1:-.}") || docroot=
if [ ! -d "$docroot" ]; then
  echo "DOCUMENT_ROOT '${1:-.}' does not exist" >&2
  exit 1
fi
if [ -z "$port" ]; then
  echo "\$PORT is not set, and there is no -p" >&2
  exit 1
fi
for file in "$web_conf" "$fpm_conf" "$ini"; do
  if [ -n "$file" ] && [ ! -r "$file" ]; then
    echo "'$file' does not exist" >&2
    exit 1
  fi
done

# As many PHP processes as fit into the dyno at PHP's own memory limit.
limit=$(cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null)
case $limit in '' | *[!0-9]*) limit=536870912 ;; esac
[ "$limit" -gt 17179869184 ] && limit=17179869184
per=$(php -r 'function b($s){$n=(int)$s;switch(strtoupper(substr($s,-1))){case "G":$n*=1024;case "M":$n*=1024;case "K":$n*=1024;}return $n;} $l=b(ini_get("memory_limit")); echo $l > 0 ? $l : 134217728;' 2>/dev/null)
[ -f "$docroot/.user.ini" ] && own=$(sed -n 's/^ *memory_limit *= *"\{0,1\}\([0-9]*\)M.*/\1/p' "$docroot/.user.ini" | tail -1) && [ -n "$own" ] && per=$((own * 1048576))
[ "$(php-fpm -i 2>/dev/null | sed -n 's/^memory_limit => \([0-9]*\)M.*/\1/p')" ] && [ "${per:-0}" -le 0 ] && per=134217728
if [ -z "${WEB_CONCURRENCY:-}" ]; then
  WEB_CONCURRENCY=$((limit / per))
  [ "$WEB_CONCURRENCY" -lt 1 ] && WEB_CONCURRENCY=1
fi
export WEB_CONCURRENCY
echo "Optimizing for $WEB_CONCURRENCY processes: $((limit / 1048576)) MB of memory, $((per / 1048576)) MB each" >&2

work=$(mktemp -d /tmp/heroku-php.XXXXXX) || exit 1
socket=$work/fcgi.sock
cat >"$work/fpm.conf" <<EOF
[global]
error_log = /dev/stderr
daemonize = no
log_limit = 8192
[www]
listen = $socket
pm = ondemand
pm.max_children = $WEB_CONCURRENCY
clear_env = no
catch_workers_output = yes
decorate_workers_output = no
EOF
[ -n "$fpm_conf" ] && echo "include = $(readlink -f "$fpm_conf")" >>"$work/fpm.conf"
[ -n "$ini" ] && export PHP_INI_SCAN_DIR="${PHP_INI_SCAN_DIR:-$root/etc/conf.d}:$work/ini" && mkdir "$work/ini" && cp "$ini" "$work/ini/zz-app.ini"

# Both live and die together.
start() {
  php-fpm --nodaemonize --fpm-config "$work/fpm.conf" &
  fpm=$!
  tries=0
  while [ ! -S "$socket" ] && kill -0 $fpm 2>/dev/null && [ $tries -lt 600 ]; do
    sleep 0.05
    tries=$((tries + 1))
  done
  "$@" &
  web=$!
  trap 'kill -TERM $web $fpm 2>/dev/null' TERM INT
  wait -n
  status=$?
  kill -TERM $web $fpm 2>/dev/null
  wait
  rm -rf "$work"
  exit $status
}
