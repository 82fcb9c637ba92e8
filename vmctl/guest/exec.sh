# Runs a program and gives the first $1 bytes of each of its outputs, and its exit
# code; the rest of what it prints is read and forgotten, so that it goes on.
most=$1
shift
exec 3>&1 6>&2
code=$(
  exec 5>&1
  {
    { "$@" 3>&- 4>&- 5>&- 6>&-; echo "$?" >&5; } 2>&4 | { head -c "$most"; cat >/dev/null; } >&3
  } 4>&1 | { head -c "$most"; cat >/dev/null; } >&6
)
exit "${code:-1}"
