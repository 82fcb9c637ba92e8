# Prints the desktop entries of a guest, each behind its file's name, with the
# keys that a menu needs. $1: a language of two letters; the rest: data directories.
lang=$1
shift
for data in "$@"; do
  for file in "$data"/applications/*.desktop; do
    [ -f "$file" ] || continue
    printf '\036%s\037' "${file##*/}"
    head -c 65536 "$file" | grep -aE "^(\[|(Type|Name|Comment|Exec|Icon|Categories|MimeType|NoDisplay|Hidden|Terminal)=|(Name|Comment)\[$lang)"
  done
done
exit 0
