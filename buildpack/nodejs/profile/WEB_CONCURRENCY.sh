# How many processes of WEB_MEMORY megabytes fit into the dyno: for cluster modules.
kigo_memory() {
  local limit=/sys/fs/cgroup/memory/memory.limit_in_bytes
  if [ -r "$limit" ]; then
    echo $(($(<"$limit") / 1048576))
  else
    echo 512
  fi
}
kigo_concurrency() {
  local n=$((MEMORY_AVAILABLE / WEB_MEMORY))
  [ "$n" -lt 1 ] && n=1
  [ "$n" -gt 200 ] && n=1 # no limit was set
  echo "$n"
}
export MEMORY_AVAILABLE=${MEMORY_AVAILABLE:-$(kigo_memory)}
if [ -z "$WEB_MEMORY" ]; then
  export WEB_MEMORY=512
  [ "$MEMORY_AVAILABLE" -gt 16384 ] && WEB_MEMORY=2048
fi
if [ -z "$WEB_CONCURRENCY" ]; then
  export WEB_CONCURRENCY=$(kigo_concurrency)
  case "$DYNO" in
    web.*) [ "$LOG_CONCURRENCY" = true ] && echo "Detected $MEMORY_AVAILABLE MB available memory, $WEB_MEMORY MB limit per process (WEB_MEMORY)" && echo "Recommending WEB_CONCURRENCY=$WEB_CONCURRENCY" ;;
  esac
fi
unset -f kigo_memory kigo_concurrency
