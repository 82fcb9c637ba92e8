// Package e2e holds the tests that run Hither as its owner does: real nodes
// with homes of their own, real QEMU, real X servers, real Chromium. Run them
// with `make test-e2e`; they fail when a part is missing.
package e2e
