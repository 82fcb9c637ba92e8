package vmctl

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"

	"hither/fusion"
	"hither/vmctl/computer"
)

// kvmProbe finds out whether KVM runs here, by running something: an
// advertised accelerator may be broken. The answer is kept in memory, and in a
// file for as long as the computer is up.
type kvmProbe struct {
	file string

	mu     sync.Mutex // guards the fields below; held while probing
	known  bool
	answer kvmAnswer
}

// kvmAnswer is also the content of kvm.json.
type kvmAnswer struct {
	Boot   string `json:"boot"`
	Guest  uint32 `json:"guest"` // CRC-32 of the guest that was tried
	Works  bool   `json:"works"`
	Reason string `json:"reason,omitempty"` // why it does not work
	// Denied: this user may not open /dev/kvm; libvirt's own user may.
	Denied bool `json:"denied,omitempty"`
}

// tryKVM is probeKVM; the tests ask it once for all their Stores.
var tryKVM = probeKVM

func newKVMProbe(dir string) *kvmProbe {
	p := &kvmProbe{file: filepath.Join(dir, "kvm.json")}
	if data, err := os.ReadFile(p.file); err == nil {
		var a kvmAnswer
		if json.Unmarshal(data, &a) == nil && a.Boot != "" && a.Boot == computer.BootID() && a.Guest == probeSum() {
			p.known, p.answer = true, a
		}
	}
	return p
}

// get probes once. An answer cut short by ctx, or about a permission or a
// program that may yet come, is not kept on disk.
func (p *kvmProbe) get(ctx context.Context) kvmAnswer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known {
		return p.answer
	}
	a, final := tryKVM(ctx)
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

// note is what the owner of an emulated machine is told. It does not probe.
func (p *kvmProbe) note() string {
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

// domainType chooses between KVM and software emulation for a new machine.
func (s *Store) domainType(ctx context.Context) (string, error) {
	a := s.kvm.get(ctx)
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if a.Denied && s.URI() == uriSystem {
		// Only libvirt's own user may try it; what it claims must do.
		claims, err := call(ctx, s, func(d driver) (bool, error) { return d.advertisesKVM() }, nil)
		if err != nil {
			return "", err
		}
		a.Works = claims
	}
	if a.Works {
		return "kvm", nil
	}
	s.config.Log.Info("KVM does not run here", "reason", a.Reason, "trace", fusion.Trace(ctx))
	return "qemu", nil
}
