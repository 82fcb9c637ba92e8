#!/usr/bin/env bash
# Fuzzes each parser in turn for FUZZTIME; what breaks one is kept as a seed in its
# testdata/fuzz, where `make test` tries it again. FUZZ="PATTERN" takes some of them.
set -uo pipefail
tags=$1 for=$2 which=${3:-.}
failed=0 count=0
while IFS=: read -r file name; do
  [[ $name =~ $which ]] || continue
  count=$((count + 1))
  echo "== ./$(dirname "$file") $name, $for"
  go test -tags "$tags" -run '^$' -fuzz "^$name\$" -fuzztime "$for" -fuzzminimizetime 10s "./$(dirname "$file")" || {
    failed=1
    echo "   $name: not good; its seed is in $(dirname "$file")/testdata/fuzz/$name"
  }
done < <(git ls-files '*_test.go' | xargs grep -oE '^func Fuzz[A-Za-z0-9]+' /dev/null | sed 's/func //')
echo "$count targets"
[ "$count" -gt 0 ] || failed=1
exit $failed
