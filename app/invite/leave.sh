# Ends the node here and takes away all of Hither but its home. Values: the ID that the node
# must have, or "-".
IFS= read -r wanted || exit 1
found && if [ "$wanted" != - ]; then
  # A node that does not run cannot say who it is; its program starts it.
  "$bin" host ls --json 2>/dev/null | grep -F "\"$wanted\"" >/dev/null || fail other
fi
say step stop
root=
if [ -e "$sysunit" ] || systemd && systemctl is-enabled "hither@$user" >/dev/null 2>&1; then
  asroot
  $root systemctl disable "hither@$user" >/dev/null 2>&1
fi
if usersystemd; then systemctl --user disable hither >/dev/null 2>&1; fi
if cronline; then uncron || fail cron; fi
if [ -n "$bin" ] && ! stopped; then
  why=$("$bin" down --machines 2>&1) || fail stop "$why"
  within 120 stopped || fail stop "it still answers"
fi
if [ -n "$root" ] || [ "$(id -u)" = 0 ]; then
  systemd && $root systemctl stop "hither@$user" >/dev/null 2>&1
  if [ -e "$sysunit" ] && ! ls /etc/systemd/system/*.wants/hither@*.service >/dev/null 2>&1; then
    $root rm -f "$sysunit" && $root systemctl daemon-reload >/dev/null 2>&1
  fi
fi
if [ -e "$unit" ]; then
  usersystemd && systemctl --user stop hither >/dev/null 2>&1
  grep -F "$lingermark" "$unit" >/dev/null && loginctl --no-ask-password disable-linger >/dev/null 2>&1
  rm -f "$unit"
  usersystemd && systemctl --user daemon-reload
  rmdir "${unit%/*}" "$HOME/.config/systemd" "$HOME/.config" 2>/dev/null
fi
say step remove
if [ "$bin" = /usr/bin/hither ] && packaged; then
  asroot
  why=$($root dpkg --purge hither 2>&1 </dev/null) || fail package "$why"
elif [ "$bin" = /usr/local/bin/hither ]; then
  asroot
  $root rm -f "$bin" || fail remove "$bin"
fi
rm -f "$HOME/.local/bin/hither" || fail remove "$HOME/.local/bin/hither"
rmdir "$HOME/.local/bin" 2>/dev/null
say home "$state"
say done
