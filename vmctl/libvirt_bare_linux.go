//go:build cgo

package vmctl

import (
	"errors"

	"libvirt.org/go/libvirt"
)

// Bare is the hypervisor without anything of ours, for a benchmark to compare with.
type Bare struct{ conn *libvirt.Connect }

// OpenBare connects to uri. Close it when done.
func OpenBare(uri string) (*Bare, error) {
	if err := holdEventLoop(); err != nil {
		return nil, translate(err)
	}
	conn, err := libvirt.NewConnect(uri)
	if err != nil {
		releaseEventLoop()
		return nil, translate(err)
	}
	return &Bare{conn}, nil
}

// List asks for all domains and their states in libvirt's own two calls, and gives
// how many there are.
func (b *Bare) List() (int, error) {
	all, err := b.conn.ListAllDomains(0)
	if err != nil {
		return 0, translate(err)
	}
	for i := range all {
		free(&all[i])
	}
	stats, err := b.conn.GetAllDomainStats(nil, libvirt.DOMAIN_STATS_STATE, 0)
	if err != nil {
		return 0, translate(err)
	}
	freeStats(stats)
	if len(stats) != len(all) {
		return 0, errors.New("libvirt lists other domains than it has states of")
	}
	return len(all), nil
}

// Close ends the connection.
func (b *Bare) Close() error {
	_, err := b.conn.Close()
	releaseEventLoop()
	return translate(err)
}
