# Says what this system is, and what of Hither is here. Changes nothing.
say os "$(uname -s)"
say arch "$(uname -m)"
say user "$user"
if found; then
  say program "$bin"
  say sum "$(sumof "$bin")"
  say version "$("$bin" --version 2>/dev/null)"
  packaged && [ "$bin" = /usr/bin/hither ] && say packaged yes
  say status "$(status)"
fi
say done
