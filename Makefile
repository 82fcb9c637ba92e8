# Hither. `make run` to use it, `make demo` to see it with two computers,
# `make test` for the tests, `make help` for the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION := 0.1.0
TAGS := noquic,noassets,libvirt_dlopen
E2E := $(TAGS),e2e
DESKTOP := desktop,production,webkit2_41
LDFLAGS := -s -w -X hither/app.Version=$(VERSION)
GO := go
TOOLS := bin/tools
# Some virtual machines let an idle processor sleep through a wake-up for seconds.
AWAKE = $(GO) run ./internal/awake/run
export CGO_ENABLED ?= 1
# A clone whose owner is somebody else builds too.
export GOFLAGS := -buildvcs=false
export LANG ?= C.UTF-8

# The tray links a toolkit with a large C part and main.go needs the window's
# tags; both are tested apart and without the race detector.
PACKAGES = $$($(GO) list -tags $(TAGS) ./... | grep -v -e '^hither$$' -e '^hither/cmd/hither-tray' -e '^hither/internal/tools')
SOURCES := $(shell git ls-files '*.go' go.mod go.sum)
PAGE := $(shell git ls-files frontend | grep -v -e '^frontend/dist' -e embed.go)

.PHONY: help run demo build dist test-dist test test-unit test-e2e test-machines test-kills test-fabric test-hostile test-wine test-page soak fuzz vuln check bench bench-mirror bench-machines bench-tunnels try screenshots generate deps clean
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1|/' | column -t -s'|'

run: ## install what is missing, build, start the node and open the window
	build/deps.sh run
	$(MAKE) build
	build/run.sh

demo: ## run, with a second host "cloud" on this machine and a small VM on it
	build/deps.sh run
	$(MAKE) build
	build/demo.sh

build: bin/hither bin/hither-desktop bin/hither-tray ## the three programs, in bin/

dist: build $(TOOLS)/deb ## packages for others, in bin/dist: .deb, AppImage and their sums
	build/deps.sh dist
	build/dist.sh $(VERSION)

test-dist: dist ## install the packages, use them and purge them, in a system of their own; needs root
	build/dist/test.sh

frontend/node_modules/.package-lock.json: frontend/package.json frontend/package-lock.json
	cd frontend && npm ci --no-audit --no-fund
	touch $@

frontend/dist/index.html: frontend/node_modules/.package-lock.json $(PAGE)
	cd frontend && npm run build
	touch $@

bin/hither: frontend/dist/index.html $(SOURCES)
	$(GO) build -tags $(TAGS) -ldflags '$(LDFLAGS)' -o $@ ./cmd/hither

bin/hither-desktop: frontend/dist/index.html $(SOURCES)
	$(GO) build -tags $(DESKTOP) -ldflags '$(LDFLAGS)' -o $@ .

bin/hither-tray: $(SOURCES)
	$(GO) build -ldflags '$(LDFLAGS)' -o $@ ./cmd/hither-tray

deps: ## install the packages that tests and benchmarks need
	build/deps.sh bench

test: ## everything that .ci/run runs: installs what it needs
	build/deps.sh test
	$(MAKE) build
	$(MAKE) test-page
	$(MAKE) test-unit
	$(MAKE) test-e2e

test-unit: frontend/dist/index.html ## unit tests: no display, no VM, no network
	$(GO) test -race -tags $(TAGS) -timeout 10m $(PACKAGES)
	$(GO) test ./cmd/hither-tray/...

test-e2e: bin/hither bin/hither-desktop bin/hither-tray ## real nodes, QEMU, Chromium, X servers
	HITHER_BIN=$(CURDIR)/bin $(AWAKE) $(GO) test -tags $(E2E) -p 1 -timeout 40m $(PACKAGES)
	HITHER_BIN=$(CURDIR)/bin $(AWAKE) $(GO) test -tags e2e -timeout 10m ./cmd/hither-tray/...

test-machines: bin/hither ## the slowest tests of machines, which test-e2e leaves out: guests that are a Linux, on real networks; needs root
	build/deps.sh test
	HITHER_BIN=$(CURDIR)/bin $(AWAKE) $(GO) test -tags $(E2E),machines -count=1 -p 1 -timeout 30m \
		-run 'TestGuestAgent|TestForwardsOfAPrivateMachine|TestNetworks|TestSwitchedNetwork|TestUEFIAndTPM|TestStickOfAnotherComputer|TestDebianInstallerStarts|TestMeshMachine' ./vmctl ./app/netboot ./internal/e2e

test-kills: bin/hither bin/hither-desktop ## kill -9 of the node and of libvirtd amid everything, at random moments; ROUNDS=50 of each
	build/deps.sh test
	HITHER_ROUNDS=$(or $(ROUNDS),50) HITHER_BIN=$(CURDIR)/bin $(AWAKE) $(GO) test -tags $(E2E),machines -count=1 -p 1 -timeout 6h -v \
		-run 'TestNothingIsHalfDone|TestAMoveThatIsCutNeverRunsTwice|TestAMoveSurvivesItsDaemons|TestSwitchedNetwork|TestMigrateSurvivesKills' ./vmctl ./internal/e2e

test-fabric: bin/hither ## computers that sleep, move, lose their network and are killed, in namespaces: what heals, and how soon; ROUNDS=500, four seconds each; needs root
	build/deps.sh test
	HITHER_ROUNDS=$(or $(ROUNDS),500) HITHER_BIN=$(CURDIR)/bin $(AWAKE) $(GO) test -tags $(E2E) -count=1 -timeout 6h -v -run 'TestFabric$$' ./internal/e2e

test-hostile: bin/hither ## strangers, guests, revoked keys, pages and other users attack a node, a minute for each flood; FOR=1m; needs root
	build/deps.sh test
	HOSTILE_FOR=$(or $(FOR),1m) HOSTILE_STRICT=1 HITHER_BIN=$(CURDIR)/bin $(AWAKE) $(GO) test -tags $(E2E) -count=1 -timeout 2h -v -run TestHostilePeers ./internal/e2e

test-wine: ## the window and the capture of Windows, tried in wine: installs it (1.2 GB)
	build/deps.sh wine
	$(GO) test -tags $(E2E),wine -p 1 -count=1 -timeout 20m -run InWine ./mirror/surface ./mirror/capture

soak: ## a minute of random drawing over a path that loses packets, which must rest exactly, and mixed work for SOAK=1h
	HITHER_EXACT=60s $(GO) test -tags $(TAGS) -count=1 -timeout 10m -run TestRandomDrawingOverALossyPathRestsExactly -v ./mirror
	build/deps.sh bench
	$(GO) run -tags $(TAGS) ./mirror/bench -rows s -soak $(or $(SOAK),1h)

test-page: frontend/dist/index.html ## the page's own tests
	cd frontend && npm test

fuzz: ## every parser of what comes from outside, in turn; FUZZTIME=10m for each, FUZZ=PATTERN for some
	build/fuzz.sh '$(TAGS)' '$(or $(FUZZTIME),10m)' '$(FUZZ)'

vuln: $(TOOLS)/govulncheck frontend/dist/index.html ## known holes in what the programs are made of; needs https://vuln.go.dev
	build/vuln.sh '$(TAGS)'

check: $(TOOLS)/staticcheck $(TOOLS)/buf frontend/dist/index.html ## format, vet, lint, types, and the builds for other platforms
	build/check.sh '$(TAGS)'

bench: ## key to pixel and bytes beside TigerVNC, in one short run
	build/deps.sh bench
	$(GO) run -tags $(TAGS) ./mirror/bench -rows a,d -samples 60 -scrolls 1 -kinds copy,redraw -peers hither,tigervnc,tigervnc-tuned,local

bench-mirror: bin/hither ## all of docs/benchmarks.md, beside TigerVNC and xpra; a quarter of an hour, rows c and j need root; BENCH="flags"
	build/deps.sh bench
	$(GO) run -tags $(TAGS) ./mirror/bench -json bin/bench.json -markdown bin/bench.md $(BENCH)

bench-tunnels: bin/hither bin/tools/frps ## tunnels beside ssh -L and frp, in turns on the loopback; two minutes; BENCH="flags"
	build/deps.sh bench
	$(GO) run -tags $(TAGS) ./app/tunnel/bench -json bin/bench-tunnels.json $(BENCH)

# Its go.mod replaces a module, so that it is built from its own directory.
FRP := github.com/fatedier/frp@v0.65.0
bin/tools/frps:
	rm -rf bin/frp && mkdir -p bin/tools
	dir=$$(GOFLAGS=-mod=mod $(GO) mod download -json $(FRP) | sed -n 's/.*"Dir": "\(.*\)",\{0,1\}/\1/p') && test -n "$$dir" && cp -r "$$dir" bin/frp && chmod -R u+w bin/frp
	cd bin/frp && $(GO) build -o ../tools/ ./cmd/frpc ./cmd/frps
	rm -rf bin/frp

bench-machines: bin/hither ## a thousand machines: lists, events, memory, and the library in Chromium; BENCH="flags"
	build/deps.sh test
	$(GO) run -tags $(TAGS) ./app/bench -json bin/bench-machines.json $(BENCH)

try: bin/hither ## real programs and machines, mirrored and compared; TRY="writer chromium widgets xterm featherpad installer guest"
	build/deps.sh try
	build/try.sh $(TRY)

screenshots: build ## the pictures in docs/images, from the real programs
	build/deps.sh test
	build/screenshots.sh

generate: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-connect-go frontend/node_modules/.package-lock.json ## the code made from proto/
	cd proto && ../$(TOOLS)/buf generate

$(TOOLS)/buf:
	GOBIN=$(CURDIR)/$(TOOLS) $(GO) install github.com/bufbuild/buf/cmd/buf@v1.75.0
$(TOOLS)/protoc-gen-go:
	GOBIN=$(CURDIR)/$(TOOLS) $(GO) install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
$(TOOLS)/protoc-gen-connect-go:
	GOBIN=$(CURDIR)/$(TOOLS) $(GO) install connectrpc.com/connect/cmd/protoc-gen-connect-go@v1.21.1
$(TOOLS)/deb: build/dist/go.mod build/dist/go.sum build/dist/deb/main.go
	cd build/dist && $(GO) build -o $(CURDIR)/$@ ./deb
$(TOOLS)/staticcheck:
	GOBIN=$(CURDIR)/$(TOOLS) $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2

$(TOOLS)/govulncheck:
	GOBIN=$(CURDIR)/$(TOOLS) $(GO) install golang.org/x/vuln/cmd/govulncheck@v1.1.4

clean: ## remove what was built
	rm -rf bin frontend/node_modules
	git clean -fdxq frontend/dist
