// Package kvm finds out whether KVM runs on this computer, by running a guest of 512 bytes
// (probe/guest.S) under it. It needs qemu-system-x86_64, and leaves nothing but its answer.
package kvm

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"

	"hither/vmctl/computer"
)

// Probe finds out whether KVM runs here, by running something: an
// advertised accelerator may be broken. The answer is kept in memory, and in a
// file for as long as the computer is up.
type Probe struct {
	file string
	try  func(context.Context) (answer Answer, final bool)

	mu     sync.Mutex // guards the fields below; held while probing
	known  bool
	answer Answer
}

// Answer is also the content of kvm.json.
type Answer struct {
	Boot   string `json:"boot"`
	Guest  uint32 `json:"guest"` // CRC-32 of the guest that was tried
	Works  bool   `json:"works"`
	Reason string `json:"reason,omitempty"` // why it does not work
	// Denied: this user may not open /dev/kvm; libvirt's own user may.
	Denied bool `json:"denied,omitempty"`
}

// New gives a probe that keeps its answer in dir. try is Try, or what stands
// for it.
func New(dir string, try func(context.Context) (answer Answer, final bool)) *Probe {
	p := &Probe{file: filepath.Join(dir, "kvm.json"), try: try}
	if data, err := os.ReadFile(p.file); err == nil {
		var a Answer
		if json.Unmarshal(data, &a) == nil && a.Boot != "" && a.Boot == computer.BootID() && a.Guest == probeSum() {
			p.Know(a)
		}
	}
	return p
}

// Know has the probe give an answer without trying.
func (p *Probe) Know(a Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known, p.answer = true, a
}

// Get probes once. An answer cut short by ctx, or about a permission or a
// program that may yet come, is not kept on disk.
func (p *Probe) Get(ctx context.Context) Answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known {
		return p.answer
	}
	a, final := p.try(ctx)
	a.Boot, a.Guest = computer.BootID(), probeSum()
	if ctx.Err() != nil {
		return a
	}
	p.known, p.answer = true, a
	if data, err := json.Marshal(a); err == nil && final {
		_ = os.WriteFile(p.file, data, 0o600) // without it the next start probes again
	}
	return a
}

// Note is what the owner of an emulated machine is told. It does not probe.
func (p *Probe) Note() string {
	const slow = "it is emulated in software, which is slow"
	if !p.mu.TryLock() {
		return slow
	}
	defer p.mu.Unlock()
	if p.known && !p.answer.Works {
		return "KVM does not run here (" + p.answer.Reason + "); " + slow
	}
	return slow
}
