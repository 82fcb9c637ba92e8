#!/usr/bin/env bash
# What `make check` looks at. It goes on after a finding and fails at the end.
set -uo pipefail
tags=$1
failed=0
step() {
  local name=$1
  shift
  echo "== $name"
  "$@" || { failed=1; echo "   $name: not good"; }
}
# Only what git tracks or would track: helpers and caches are not ours.
packages() { go list -tags "$tags" ./... | grep -v '^hither/internal/tools'; }
formatted() {
  local bad
  bad=$(git ls-files '*.go' | xargs gofmt -l)
  [ -z "$bad" ] || { echo "$bad"; return 1; }
}
shell() { git ls-files '*.sh' .ci/run | xargs -n1 bash -n; }
breaking() {
  git rev-parse -q --verify HEAD^ >/dev/null || return 0 # a first or shallow commit has nothing to compare with
  (cd proto && ../bin/tools/buf breaking --against "../.git#ref=HEAD^,subdir=proto")
}
cross() { GOOS=$1 GOARCH=$2 CGO_ENABLED=0 go build -tags noquic,noassets -o /dev/null ./cmd/hither; }
window() { GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build -tags desktop,production -o /dev/null .; }

step format formatted
step "shell syntax" shell
step vet go vet -tags "$tags" $(packages)
step "vet of the end-to-end tests" go vet -tags "$tags,e2e,machines" $(packages)
step staticcheck bin/tools/staticcheck -tags "$tags,e2e,machines" $(packages)
step "proto lint" bash -c 'cd proto && ../bin/tools/buf lint'
step "proto compatibility" breaking
step "page types" bash -c 'cd frontend && npm run check'
step "page lint" bash -c 'cd frontend && npm run lint'
step "windows/amd64" cross windows amd64
step "darwin/arm64" cross darwin arm64
step "window for windows/amd64" window
exit $failed
