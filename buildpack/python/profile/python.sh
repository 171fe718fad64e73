export PATH="$HOME/.heroku/python/bin:$PATH"
export VIRTUAL_ENV="$HOME/.heroku/python"
export PYTHONUNBUFFERED=1
export LANG="${LANG:-C.UTF-8}"
export FORWARDED_ALLOW_IPS="*"
export GUNICORN_CMD_ARGS="${GUNICORN_CMD_ARGS:---access-logfile -}"
# As many workers as heroku/python starts: 256 MB each, and two per processor and one.
if [ -z "$WEB_CONCURRENCY" ]; then
  limit="$(cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null)"
  if [ -n "$limit" ] && [ "${#limit}" -lt 15 ]; then
    workers=$((limit / 268435456))
    most=$((2 * $(nproc) + 1))
    [ "$workers" -gt "$most" ] && workers=$most
    [ "$workers" -lt 1 ] && workers=1
    export WEB_CONCURRENCY=$workers
  fi
  unset limit workers most
fi
