export JAVA_HOME="$HOME/.jdk"
export PATH="$HOME/.heroku/bin:$JAVA_HOME/bin:$PATH"
if [ -z "${JAVA_TOOL_OPTIONS:-}" ] || [ -z "${JVM_COMMON_DONE:-}" ]; then
  limit=$(cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null)
  case "${JAVA_TOOL_OPTIONS:-} ${JAVA_OPTS:-}" in
  *-Xmx* | *-XX:MaxRAM*) memory= ;;
  *)
    case "$limit" in
    536870912) memory="-Xmx300m -Xss512k -XX:CICompilerCount=2" ;;
    1073741824) memory="-Xmx671m -XX:CICompilerCount=2" ;;
    *) memory="-XX:MaxRAMPercentage=80.0" ;;
    esac
    ;;
  esac
  export JAVA_TOOL_OPTIONS="${memory:+$memory }-Dfile.encoding=UTF-8${JAVA_TOOL_OPTIONS:+ $JAVA_TOOL_OPTIONS}"
  export JVM_COMMON_DONE=1
  unset limit memory
fi

# NAME_URL=postgres://… becomes NAME_JDBC_URL and, for DATABASE_URL, JDBC_DATABASE_URL
# and Spring's names.
kigo_jdbc() {
  local pattern='^(postgres|postgresql|mysql)://([^:@]*)(:([^@]*))?@([^/?]+)/([^?]*)(\?(.*))?$' scheme url
  [[ "$2" =~ $pattern ]] || return 0
  scheme=postgresql
  [ "${BASH_REMATCH[1]}" = mysql ] && scheme=mysql
  url="jdbc:$scheme://${BASH_REMATCH[5]}/${BASH_REMATCH[6]}?user=${BASH_REMATCH[2]}&password=${BASH_REMATCH[4]}"
  if [ -n "${BASH_REMATCH[8]}" ]; then url="$url&${BASH_REMATCH[8]}"; fi
  case "$scheme:$url" in
  postgresql:*sslmode=*) ;;
  postgresql:*) url="$url&sslmode=require" ;;
  esac
  if [ "$1" = DATABASE ]; then
    export JDBC_DATABASE_URL="${JDBC_DATABASE_URL:-$url}"
    export JDBC_DATABASE_USERNAME="${JDBC_DATABASE_USERNAME:-${BASH_REMATCH[2]}}"
    export JDBC_DATABASE_PASSWORD="${JDBC_DATABASE_PASSWORD:-${BASH_REMATCH[4]}}"
    if [ -z "${DISABLE_SPRING_DATASOURCE_URL:-}" ] && [ -z "${SPRING_DATASOURCE_URL:-}" ]; then
      export SPRING_DATASOURCE_URL="$JDBC_DATABASE_URL"
      export SPRING_DATASOURCE_USERNAME="$JDBC_DATABASE_USERNAME"
      export SPRING_DATASOURCE_PASSWORD="$JDBC_DATABASE_PASSWORD"
    fi
  else
    export "$1_JDBC_URL=$url"
  fi
}
kigo_jdbc DATABASE "${DATABASE_URL:-}"
for name in $(compgen -e | grep -E '^HEROKU_POSTGRESQL_[A-Z]+_URL$'); do
  kigo_jdbc "${name%_URL}" "${!name}"
done
unset -f kigo_jdbc
unset name
