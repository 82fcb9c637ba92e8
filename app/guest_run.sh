# Starts a program on a guest's own display, as the person who is logged in there.
# $1: the display; the rest: the program and its arguments. 3: nobody is logged in.
display=$1
shift
for proc in /proc/[0-9]*; do
  all=$(tr '\0' '\n' 2>/dev/null <"$proc/environ") || continue
  printf '%s\n' "$all" | grep -qx "DISPLAY=$display\(\.0\)\?" || continue
  user=$(stat -c %U "$proc" 2>/dev/null) || continue
  for name in XAUTHORITY DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR HOME LANG PATH; do
    value=$(printf '%s\n' "$all" | sed -n "s/^$name=//p" | head -n 1)
    [ -z "$value" ] || set -- "$name=$value" "$@"
  done
  set -- env "DISPLAY=$display" "$@"
  [ "$user" = "$(id -un)" ] || set -- runuser -u "$user" -- "$@"
  setsid -f "$@" >/dev/null 2>&1 </dev/null
  exit $?
done
exit 3
