#!/usr/bin/env bash
# Tries programs that nobody here wrote: each runs on the host "cloud" and is
# used on this one, both on this computer. It prints how many pixels differ, and
# keeps pictures of the original beside the mirrored one. docs/real-programs.md
# says what to look for. It leaves nothing else behind.
#
#   build/try.sh [PROGRAM…]     writer chromium widgets xterm featherpad installer guest; default all
#   OUT=DIR                     where the pictures go; default docs/images/real
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mkdir -p "${OUT:-docs/images/real}" && cd "${OUT:-docs/images/real}" && pwd)
stage=try
export LANG=C.UTF-8
. build/stage.sh
cloudhome=$dir/cloud
mkdir -p "$cloudhome/.local/share/applications"

# launch APP TITLE runs an app of the other host and waits for its window. On a
# computer that is very busy the two may lose each other for a moment.
launch() {
  local try
  for try in 1 2 3; do
    run "$1" "$hither" app run cloud/self "$1"
    until_ok 180 eval "here '$2' || ! kill -0 ${pids[-1]}"
    here "$2" >/dev/null && return
    echo "$1: once more after try $try: $(tail -n 2 "$dir/$1.log")"
  done
  return 1
}
# A tool waits for ever for a window that went meanwhile.
for tool in xdotool import xprop; do
  eval "$tool() { timeout 20 $tool \"\$@\"; }"
done
# here TITLE gives the newest window of this desktop with a title.
here() { xdotool search --onlyvisible --name "$1" | tail -n 1 | grep .; }
# there PROGRAM… runs a program on the private display of the app that runs.
there() {
  local all=$cloudhome/node/apps/instances.json
  DISPLAY=:$(field display <"$all") XAUTHORITY=$cloudhome/node/apps/$(field instance <"$all")/Xauthority timeout 20 "$@"
}
original() { there xdotool search --onlyvisible --name "$1" | tail -n 1 | grep .; }
end() {
  local screen
  screen=$("$hither" screen ls cloud/self --json | grep -oE 'cloud/self/[^"]+' | head -n 1)
  "$hither" app stop "$screen"
  until_ok 60 sh -c '! xdotool search --onlyvisible --name " — cloud$"'
}

# differ TITLE gives how many pixels of a window are not those of the original,
# without the frame here and the shadow there.
differ() {
  local theirs ours shadow
  theirs=$(original "$1") ours=$(here "$1")
  there import -window "$theirs" "$dir/theirs.png"
  import -window "$ours" "$dir/ours.png"
  shadow=$(there xprop -id "$theirs" _GTK_FRAME_EXTENTS | sed -n 's/.*= //p' | tr -d ,)
  # shellcheck disable=SC2086 # four numbers
  set -- ${shadow:-0 0 0 0}
  convert "$dir/theirs.png" -crop "+$1+$3" +repage -crop "-$2-$4" +repage "$dir/theirs.png"
  convert "$dir/ours.png" -shave 2x2 +repage "$dir/ours.png"
  unlike "$dir/theirs.png" "$dir/ours.png"
}
# unlike A B gives how many pixels of two pictures differ, or that their sizes do.
unlike() {
  if [ "$(identify -format %wx%h "$1")" != "$(identify -format %wx%h "$2")" ]; then
    identify -format '%wx%h ' "$1" "$2"
  else
    compare -metric AE "$1" "$2" null: 2>&1 || [ $? = 1 ] # 1 says that they differ
  fi
}
equal() { [ "$(differ "$1")" = 0 ]; }
# exact TITLE waits until both are the same, and says so.
exact() {
  until_ok 60 equal "$1"
  echo "$1: 0 pixels of $(identify -format '%w×%h' "$dir/ours.png") differ from the original"
}

# beside NAME keeps a picture of the app's display and this one.
beside() {
  sleep 1 # popups fade in
  import -window root "$dir/right.png"
  there import -window root "$dir/left.png"
  both "$1"
}
both() {
  convert \( "$dir/left.png" "$dir/right.png" -bordercolor '#808080' -border 1 \) +append -resize 1500x \
    -colors 96 -depth 8 -define png:compression-level=9 -strip "$out/$1.png"
  echo "$out/$1.png"
}
# point TITLE X Y moves the pointer to a place of a window; press clicks there.
point() { xdotool mousemove --window "$(here "$1")" "$2" "$3"; }
press() {
  point "$1" "$2" "$3"
  sleep 0.3
  xdotool click 1
}
# popups COUNT says whether so many menus and the like are open here.
popups() { [ "$(xwininfo -root -tree | grep -c '^     0x.*("hither-')" -ge "$1" ]; }

writer() {
  launch libreoffice-writer 'Writer — cloud'
  if until_ok 60 here "Tip of the Day" 2>/dev/null; then wmctrl -c 'Tip of the Day'; fi
  until_ok 20 sh -c '! xdotool search --onlyvisible --name "Tip of the Day"'
  xdotool windowfocus "$(here Writer)"
  xdotool type --delay 40 'Written on this computer, in a program of the other one.'
  exact 'Untitled 1'
  press Writer 340 14
  until_ok 60 popups 1
  point Writer 380 64
  sleep 0.3
  point Writer 384 66
  until_ok 60 popups 2
  beside writer-menus
  xdotool key Escape Escape Escape
  xdotool key ctrl+shift+s
  until_ok 90 here '^Save'
  exact Save
  beside writer-save
  xdotool key Escape
  wmctrl -c Writer
  until_ok 90 here 'Save Document'
  exact 'Save Document'
  end
}

film() {
  ffmpeg -loglevel error -y -f lavfi -i testsrc2=size=480x270:rate=30:duration=20 \
    -c:v libvpx -b:v 2M -deadline realtime -cpu-used 8 "$dir/film.webm"
  cat >"$dir/film.html" <<'PAGE'
<!doctype html><meta charset=utf-8><title>Film and text</title>
<body style="margin:0;font:14px/1.5 'DejaVu Sans'">
<video id=v src=film.webm width=480 height=270 muted loop style="float:left;margin:12px"></video>
<h2>Text beside a film</h2><p>The quick brown fox jumps over the lazy dog. 0123456789 il1|!</p>
<p style="font-size:10px">Sphinx of black quartz, judge my vow. 远程的窗口看起来像本地的。</p>
<select><option>one<option>two<option>three</select> <button>a button</button>
<script>onkeydown = e => { if (e.key == 'p') v.paused ? v.play() : v.pause() }</script>
PAGE
}
# address URL TITLE types an address into the browser and sees whether its page comes.
address() {
  local _
  xdotool windowfocus "$(here Chromium)"
  xdotool key ctrl+l
  xdotool type --delay 20 "$1"
  xdotool key Return
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    here "$2" >/dev/null && return
    sleep 1
  done
  return 1
}
chromium() {
  film
  if [ "$(id -u)" = 0 ]; then # Chromium's sandbox refuses root
    sed 's|^Exec=.*chromium|& --no-sandbox|' /usr/share/applications/chromium.desktop \
      >"$cloudhome/.local/share/applications/chromium.desktop"
  fi
  launch chromium 'Chromium — cloud'
  # What is typed before its first page is there is lost.
  until_ok 90 address "file://$dir/film.html" 'Film and text'
  press Film 300 600
  exact Film
  xdotool key p
  sleep 6
  xdotool key ctrl+alt+i
  sleep 3
  beside chromium-film
  xdotool key ctrl+alt+i
  sleep 1
  xdotool key p
  exact Film
  xdotool key F11
  sleep 3
  xdotool key F11
  exact Film
  press Film 400 500
  xdotool click 3
  until_ok 60 popups 1
  beside chromium-menu
  xdotool key Escape
  end
}

widgets() {
  launch org.gtk.WidgetFactory4 'Widget Factory — cloud'
  sleep 3
  beside widgets
  press Widget 402 79
  until_ok 60 popups 1
  beside widgets-popover
  xdotool key Escape
  end
}

xterm() {
  launch debian-xterm '— cloud'
  xdotool windowfocus "$(here cloud)"
  xdotool type --delay 30 'ls --color /usr; printf "%s\n" 远程 ö ∑'
  xdotool key Return
  sleep 1
  beside xterm
  end
}

featherpad() {
  launch featherpad ' — cloud'
  xdotool windowfocus "$(here ' — cloud')"
  xdotool key alt+f
  until_ok 60 popups 1
  beside featherpad-menu
  xdotool key Escape
  xdotool key ctrl+o
  until_ok 90 here 'Open'
  beside featherpad-open
  end
}

# cd makes a CD of Debian's graphical installer.
cd_image() {
  local all=(/usr/lib/debian-installer/images/*/amd64/gtk/debian-installer/amd64)
  local from=${all[-1]}
  mkdir -p "$dir/cd"
  cp "$from/linux" "$from/initrd.gz" /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$dir/cd"
  echo 'default linux initrd=initrd.gz vga=788 quiet' >"$dir/cd/isolinux.cfg"
  xorriso -as mkisofs -quiet -o "$dir/installer.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$dir/cd"
}
# written says whether the machine shows text below its banner, and another
# picture than the one that was kept last; resting, whether that stays.
written() {
  "$hither" screen shot "cloud/$machine" -o "$dir/shot.png"
  [ "$(convert "$dir/shot.png" -crop x600+0+120 +repage -format %k info:)" -gt 40 ] &&
    [ "$(unlike "$dir/left.png" "$dir/shot.png")" != 0 ]
}
resting() {
  written && cp "$dir/shot.png" "$dir/before.png" && sleep 3 && written &&
    [ "$(unlike "$dir/before.png" "$dir/shot.png")" = 0 ]
}
state() { [ "$("$hither" machine show "cloud/$machine" --json | field state)" = "$1" ]; }
machine_equal() {
  import -window "$(here "$machine")" "$dir/right.png"
  convert "$dir/right.png" -shave 2x2 +repage "$dir/right.png"
  [ "$(unlike "$dir/left.png" "$dir/right.png")" = 0 ]
}
# still NAME pauses the machine, compares, keeps the picture and goes on.
still() {
  "$hither" machine pause "cloud/$machine"
  until_ok 30 state paused
  "$hither" screen shot "cloud/$machine" -o "$dir/left.png"
  if ! until_ok 60 machine_equal; then
    both "$1"
    echo "$machine: $(unlike "$dir/left.png" "$dir/right.png") pixels differ from libvirt's screenshot"
    return 1
  fi
  echo "$machine: 0 pixels of $(identify -format '%w×%h' "$dir/left.png") differ from libvirt's screenshot"
  both "$1"
  "$hither" machine resume "cloud/$machine"
  until_ok 30 state running
}
installer() {
  machine=installer
  cd_image
  "$hither" machine create cloud/installer --memory 1536MiB --iso "$dir/installer.iso" --start
  run view "$hither" view cloud/installer
  until_ok 60 here installer
  local began=$SECONDS
  convert -size 1x1 xc: "$dir/left.png"
  until_ok 1200 resting
  echo "installer: its first page after $((SECONDS - began)) s"
  still installer-language
  local window
  window=$(here installer)
  xdotool windowfocus --sync "$window"
  xdotool key Down Down Down Up # along the list of languages
  until_ok 120 resting
  still installer-keys
  xdotool mousemove --window "$window" 1217 776 # Continue, at the lower right
  sleep 1
  xdotool click 1
  until_ok 300 resting
  still installer-click
}

# refused WORDS PROGRAM… sees a program fail with these words, and a hint.
refused() {
  local words=$1
  shift
  if "$@" >"$dir/said" 2>&1 || ! grep -q "$words" "$dir/said" || ! grep -q '^hint: ' "$dir/said"; then
    echo "not refused with \"$words\": $*"
    cat "$dir/said"
    return 1
  fi
  sed 's/^/  /' "$dir/said"
}
apps() { "$hither" app ls cloud/guest >"$dir/apps"; }
# shows PROGRAM… waits until the machine's picture is another one after it.
shows() {
  cp "$dir/shot.png" "$dir/left.png"
  "$@"
  until_ok 300 resting
}
opens() { "$hither" app run --detach cloud/guest "$1"; }
guest() {
  machine=guest
  local from
  from=$(build/guest.sh)
  "$hither" machine create cloud/guest --memory 1GiB --image "$from/disk.qcow2" --iso "$from/boot.iso"
  refused 'it is off' apps
  "$hither" machine start cloud/guest
  refused 'no guest agent' apps
  local began=$SECONDS window
  run view "$hither" view cloud/guest
  until_ok 60 here guest
  until_ok 900 apps
  echo "guest: its agent answers after $((SECONDS - began)) s"
  cat "$dir/apps"
  convert -size 1x1 xc: "$dir/left.png"
  until_ok 900 resting
  echo "guest: its login screen after $((SECONDS - began)) s"
  still guest-login
  refused 'nobody is logged in' opens org.xfce.mousepad
  window=$(here guest)
  xdotool windowfocus --sync "$window"
  shows xdotool type --delay 100 ada
  xdotool key Return
  until_ok 300 opens org.xfce.mousepad
  until_ok 300 resting
  shows xdotool type --delay 100 'An app of a virtual machine.'
  shows opens debian-xterm
  xdotool type --delay 100 'id -un; pwd; echo $DISPLAY'
  shows xdotool key Return
  still guest-apps
}

desktop 1360x900
desk_up off off
cloud_up
paired

programs=("$@")
[ $# -gt 0 ] || programs=(writer chromium widgets xterm featherpad installer guest)
for program in "${programs[@]}"; do
  "$program"
done
