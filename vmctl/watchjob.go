package vmctl

import (
	"context"
	"errors"
	"time"

	"hither/fusion"
)

// watchEvery is how often a hypervisor's job says how far it is.
const watchEvery = 500 * time.Millisecond

// watchJob reports how far the hypervisor's job of a machine is until it has ended, and
// ends it when ctx does. A QEMU that is busy with its job answers late, after seconds at
// times: until it does, what was carried (bytes, of a move) is added to its last answer.
func (s *Store) watchJob(ctx context.Context, uuid, step string, carried func() int64, done <-chan error) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	f := figure{step: step, carried: carried}
	answers := make(chan fusion.Progress, 1)
	asked := false
	ended := ctx.Done()
	for {
		select {
		case err := <-done:
			return errors.Join(ctx.Err(), err)
		case <-ended:
			ended = nil // once
			if err := s.do(context.WithoutCancel(ctx), func(d driver) error { return d.abortJob(uuid) }); err != nil {
				s.config.Log.Debug("a job could not be stopped", "error", err)
			}
		case p := <-answers:
			asked = false
			f.told(p)
		case <-tick.C:
			fusion.Report(ctx, f.now())
			if !asked {
				asked = true
				f.ask()
				s.running.Go(func() {
					p, err := call(ctx, s, func(d driver) (fusion.Progress, error) { return d.progress(uuid) }, nil)
					if err != nil {
						s.config.Log.Debug("a job does not say how far it is", "error", err)
					}
					answers <- p
				})
			}
		}
	}
}

// nothing is what a job carries that no relay sees.
func nothing() int64 { return 0 }

// figure is how far a job is: what the hypervisor said last, and what was carried since
// it was asked. It does not go back: memory that changes is sent again, and answers that
// come late are old.
type figure struct {
	step    string
	carried func() int64
	last    fusion.Progress
	asked   int64 // carried when the hypervisor was asked
	from    int64 // the same, for its last answer
	shown   fusion.Progress
}

func (f *figure) ask() { f.asked = f.carried() }

// told takes the answer; one without a total says nothing.
func (f *figure) told(p fusion.Progress) {
	if p.Total > 0 {
		f.last, f.from = p, f.asked
	}
}

func (f *figure) now() fusion.Progress {
	p := f.last
	p.Step = f.step
	if p.Total > 0 {
		p.Done = min(p.Done+f.carried()-f.from, p.Total)
	}
	if p.Total >= f.shown.Total {
		p.Done = max(p.Done, f.shown.Done)
	}
	f.shown = p
	return p
}
