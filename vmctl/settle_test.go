package vmctl

import (
	"context"
	"errors"
	"net"
	"testing"

	"hither/fusion"
)

// destination answers as another host does at the end of a move.
type destination struct {
	whole    bool
	verdicts []Verdict
}

func (d *destination) Prepare(context.Context, MigrationOffer) (MigrationRoom, error) {
	return MigrationRoom{}, fusion.ErrUnsupported
}

func (d *destination) Examine(context.Context, MigrationOffer) ([]fusion.Obstacle, error) {
	return nil, nil
}

func (d *destination) Dial(context.Context, string, string, Door) (net.Conn, error) {
	return nil, fusion.ErrUnsupported
}

func (d *destination) Check(context.Context, string) (bool, error) { return d.whole, nil }

func (d *destination) Settle(_ context.Context, _ string, v Verdict) error {
	d.verdicts = append(d.verdicts, v)
	return nil
}

// TestTheVerdictOnAMove: on machines as a libvirtd that was killed amid a move finds them.
func TestTheVerdictOnAMove(t *testing.T) {
	for name, c := range map[string]struct {
		here  domain
		whole bool
		left  bool
		after fusion.MachineState
	}{
		"it went":                               {left: true},
		"it runs on":                            {here: domain{state: fusion.Running, active: true}, after: fusion.Running},
		"it waits":                              {here: domain{state: fusion.Paused, detail: onTheWay, active: true}, after: fusion.Running},
		"stopped, and whole there":              {here: domain{state: fusion.Off, unasked: true}, whole: true, left: true},
		"stopped, and not there":                {here: domain{state: fusion.Off, unasked: true}, after: fusion.Running},
		"shut down, though there is some there": {here: domain{state: fusion.Off}, whole: true, after: fusion.Off},
	} {
		t.Run(name, func(t *testing.T) {
			f, there := newFake(), &destination{whole: c.whole}
			s := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: "fake:///", open: f.open,
				Peer: func(fusion.HostID) (MigrationPeer, error) { return there, nil }}))(t)
			t.Cleanup(func() { closeStore(t, s) })
			note := intent{Op: opMigrate, URI: s.URI(), Name: "m", UUID: newUUID(), To: "b"}
			if c.here.state != "" {
				c.here.uuid, c.here.name = note.UUID, "m"
				f.put(c.here)
			}
			s.hold("1", true) // as a move does: nobody else settles it
			stays, err := s.settleMove(t.Context(), "1", note)
			ok(t, err)
			if stays == c.left || len(there.verdicts) != 1 || there.verdicts[0].Yours != c.left {
				t.Errorf("it stays: %v, the other host hears %v", stays, there.verdicts)
			}
			d, err := f.domain(note.UUID)
			if errors.Is(err, fusion.ErrNotFound) != c.left || d.state != c.after {
				t.Errorf("it is %v, %v", d.state, err)
			}
		})
	}
}
