package vmctl

import (
	"context"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/imagepool"
)

// Resources says what is free for one more machine. A running machine counts with
// all the memory it was promised, used or not.
func (s *Store) Resources(ctx context.Context) (fusion.Resources, error) {
	now := computer.Stats()
	r := fusion.Resources{CPUs: now.CPUs, Load: now.Load, MemoryBytes: now.MemoryBytes,
		FreeBytes: max(0, min(now.MemoryBytes-now.MemoryUsedBytes, now.MemoryBytes-s.promised()))}
	free, err := computer.FreeBytes(s.config.pool())
	if err != nil {
		return r, fail("host.resources", s.config.pool(), err)
	}
	r.PoolBytes = max(0, free-imagepool.Reserve)
	if why := s.whyAway(); why != nil {
		r.Reason = why.Error()
		return r, nil
	}
	kind, err := s.domainType(ctx)
	if err != nil {
		return r, fail("host.resources", "", err)
	}
	r.Accelerator = "kvm"
	if kind != "kvm" {
		r.Accelerator = "tcg"
	}
	most, err := s.mostOf(ctx, kind)
	r.Firmwares, r.TPM = most.firmwares(), most.tpm
	return r, fail("host.resources", "", err)
}

// promised is the memory of the machines that run, in bytes.
func (s *Store) promised() (sum int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if r.active {
			sum += r.MemoryBytes
		}
	}
	return sum
}
