#!/usr/bin/env bash
# Looks for known holes in what the programs are made of. It needs the Go project's
# database and says so when that is out of reach (exit 2).
set -uo pipefail
tags=$1
out=$(mktemp)
trap 'rm -f "$out"' EXIT
bin/tools/govulncheck -tags "$tags" ./cmd/hither . 2>&1 | tee "$out"
code=${PIPESTATUS[0]}
if [ "$code" -ne 0 ] && grep -qE 'fetching vulnerabilities|vuln\.go\.dev' "$out"; then
  echo "vuln: the database https://vuln.go.dev is out of reach, so nothing was looked for"
  echo "hint: try again where it can be reached, or give a copy: GOVULNDB=file:///PATH"
  exit 2
fi
exit "$code"
