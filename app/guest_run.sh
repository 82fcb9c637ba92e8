# Starts a program on a guest's own display, as the person who is logged in there.
# $1: the display; the rest: the program and its arguments. 3: nobody is logged in;
# 127: there is no such program.
display=$1
shift
for environ in $(grep -la "DISPLAY=$display" /proc/[0-9]*/environ 2>/dev/null); do
  proc=${environ%/environ}
  all=$(tr '\0' '\n' 2>/dev/null <"$environ") || continue
  printf '%s\n' "$all" | grep -qx "DISPLAY=$display\(\.0\)\?" || continue
  uid=$(stat -c %u "$proc" 2>/dev/null) || continue
  # A login screen runs on the display too, as an account of the system's own.
  [ "$uid" -eq 0 ] || [ "$uid" -ge 1000 ] || continue
  program=$1 home=/ path=$PATH
  for name in XAUTHORITY DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR XDG_DATA_DIRS XDG_CURRENT_DESKTOP \
    XMODIFIERS GTK_IM_MODULE QT_IM_MODULE HOME LANG PATH; do
    value=$(printf '%s\n' "$all" | sed -n "s/^$name=//p" | head -n 1)
    [ -n "$value" ] || continue
    set -- "$name=$value" "$@"
    case $name in HOME) home=$value ;; PATH) path=$value ;; esac
  done
  (PATH=$path && command -v "$program" >/dev/null) || exit 127
  set -- env "DISPLAY=$display" "$@"
  [ "$uid" -eq "$(id -u)" ] || set -- runuser -u "$(stat -c %U "$proc")" -- "$@"
  cd "$home" 2>/dev/null || cd /
  setsid -f "$@" >/dev/null 2>&1 </dev/null
  exit $?
done
exit 3
