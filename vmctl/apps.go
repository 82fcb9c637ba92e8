package vmctl

import (
	"context"
	"strings"
	"time"

	"hither/vmctl/domxml"
	"hither/vmctl/seed"
)

// The apps that a machine's first start installs (fusion.Seed.Apps) are written in its
// definition until its guest says that they are there.
const appsKey = "apps"

// appsNote is what the owner should know of a machine's apps.
func (r *record) appsNote() string {
	switch r.AppsState {
	case domxml.AppsInstalling:
		if !r.active {
			return "its apps are installed when it starts: " + strings.Join(r.Apps, ", ")
		}
		return "its apps are being installed: " + strings.Join(r.Apps, ", ")
	case domxml.AppsFailed:
		return "these did not install: " + strings.Join(r.Apps, ", ") + "; /var/log/cloud-init-output.log in it says why"
	}
	return ""
}

const (
	// appsPause is between two questions to a guest that installs apps, which takes minutes.
	appsPause = 10 * time.Second
	// appsPatience bounds one.
	appsPatience = 30 * time.Second
)

// followApps asks the guests that install apps how far they are, and nobody while none does.
func (s *Store) followApps() {
	for {
		names := s.installing()
		for _, name := range names {
			s.askApps(name)
		}
		var again <-chan time.Time
		if len(names) > 0 {
			again = time.After(s.config.appsPause)
		}
		select {
		case <-s.ctx.Done():
			return
		case <-s.toInstall:
		case <-again:
		}
	}
}

// installing names the running machines that install apps.
func (s *Store) installing() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if r.active && r.AppsState == domxml.AppsInstalling {
			names = append(names, r.shown)
		}
	}
	return names
}

// askApps asks one guest; what it does not answer yet is asked again.
func (s *Store) askApps(name string) {
	ctx, cancel := context.WithTimeout(s.ctx, appsPatience)
	defer cancel()
	out, code, err := s.GuestRun(ctx, name, []string{"/bin/cat", seed.AppsFile})
	if err != nil || code != 0 {
		s.config.Log.Debug("a guest does not say yet how far its apps are", "machine", name, "error", err, "code", code)
		return
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	switch word {
	case "ready":
		err = s.markApps(ctx, name, nil)
	case domxml.AppsFailed:
		err = s.markApps(ctx, name, strings.Fields(rest))
	default:
		return
	}
	if err != nil {
		s.config.Log.Warn("what became of a machine's apps is not noted yet", "machine", name, "error", err)
		return
	}
	s.config.Log.Info("apps of a machine were installed", "machine", name, "failed", rest)
}

// markApps notes which apps of a machine did not come.
func (s *Store) markApps(ctx context.Context, name string, failed []string) error {
	const op = "machine.apps"
	r, release, err := s.alone(ctx, op, name)
	if err != nil {
		return err
	}
	run, giveUp := held(release)
	defer giveUp()
	element, err := domxml.FailedApps(r.Apps, failed)
	if err != nil {
		return err
	}
	return s.do(ctx, run(func(d driver) error {
		defer s.touch(r.uuid)
		return d.setMetadata(r.uuid, appsKey, domxml.AppsURI, element)
	}))
}
