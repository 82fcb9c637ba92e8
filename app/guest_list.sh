# Prints the desktop entries of a guest, each behind its file's name, with the
# keys that a menu needs. $1: a language of two letters; the rest: data directories.
# It starts one program for all of them: an emulated guest is slow at that.
lang=$1
shift
for data in "$@"; do
  shift
  for file in "$data"/applications/*.desktop; do
    [ -f "$file" ] && [ -r "$file" ] && set -- "$@" "$file"
  done
done
[ $# -gt 0 ] || exit 0
exec awk -v lang="$lang" '
  BEGIN { keys = "^(\\[|(Type|Name|Comment|Exec|Icon|Categories|MimeType|NoDisplay|Hidden|Terminal)=|(Name|Comment)\\[" lang ")" }
  FNR == 1 { name = FILENAME; sub(".*/", "", name); printf "\036%s\037", name }
  FNR <= 4096 && $0 ~ keys
' "$@"
