package hosttest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
)

func (s *suite) testApps(t *testing.T) {
	ctx, apps := s.ctx(t), s.host.Apps()
	list, err := apps.List(ctx, fusion.Self, "")
	must(t, "list", err)
	if len(list) == 0 {
		t.Fatal("no apps")
	}
	pictures := 0
	for _, app := range list {
		if app.ID == "" || app.Name == "" {
			t.Errorf("something is missing in %+v", app)
		}
		picture, mediaType, err := apps.Icon(ctx, fusion.Self, app.ID)
		if errors.Is(err, fusion.ErrNotFound) {
			continue // an entry may name an icon that is not installed
		}
		must(t, "icon of "+app.ID, err)
		if pictures++; len(picture) == 0 || mediaType != "image/png" && mediaType != "image/svg+xml" {
			t.Errorf("icon of %s: %d bytes of %s", app.ID, len(picture), mediaType)
		}
	}
	missing := fresh("none")
	_, err = apps.List(ctx, missing, "")
	refused(t, "list", err, fusion.ErrNotFound)
	_, _, err = apps.Icon(ctx, fusion.Self, missing)
	refused(t, "icon", err, fusion.ErrNotFound)
	_, err = apps.Run(ctx, fusion.Self, missing, nil)
	refused(t, "run", err, fusion.ErrNotFound)
	_, err = apps.Run(ctx, fusion.Self, "../"+missing, nil)
	refused(t, "run ../", err, fusion.ErrNotFound, fusion.ErrInvalid)
	refused(t, "end", apps.End(ctx, fusion.Self+"/"+missing), fusion.ErrNotFound)
	if s.VMs {
		vm := s.create(t, fusion.MachineSpec{}).Name
		_, err = apps.List(ctx, vm, "")
		refused(t, "list of a VM that is off", err, fusion.ErrUnsupported)
		must(t, "start", s.host.Machines().Do(ctx, vm, fusion.Start))
		_, err = apps.List(ctx, vm, "")
		refused(t, "list of a VM without an agent", err, fusion.ErrUnsupported)
	}
	t.Run("end", func(t *testing.T) {
		screen := s.launch(t, list[0].ID)
		v := s.view(t, screen.Name, fusion.ViewOptions{})
		s.firstFrame(t, v)
		must(t, "end", apps.End(s.ctx(t), screen.Name))
		s.over(t, v)
		s.untilGone(t, screen)
		refused(t, "end again", apps.End(s.ctx(t), screen.Name), fusion.ErrNotFound)
	})
	t.Run("bye", func(t *testing.T) {
		screen := s.launch(t, list[0].ID)
		v := s.view(t, screen.Name, fusion.ViewOptions{})
		s.firstFrame(t, v)
		must(t, "bye", v.pipe.Write([]byte{wireBye}))
		s.over(t, v)
		s.untilGone(t, screen)
	})
}

// launch runs the app of the options, or first, and finds its screen listed.
func (s *suite) launch(t *testing.T, first string) fusion.Screen {
	t.Helper()
	app := s.App
	if app == "" {
		app = first
	}
	screen, err := s.host.Apps().Run(s.ctx(t), fusion.Self, app, nil)
	must(t, "run "+app, err)
	t.Cleanup(func() {
		if s.listed(t, screen) {
			t.Errorf("%s was left running", screen.Name)
		}
	})
	if screen.Kind != fusion.ScreenApp || screen.App != app || screen.Machine != fusion.Self ||
		!strings.HasPrefix(screen.Name, fusion.Self+"/") || screen.Width < 1 || screen.Height < 1 {
		t.Errorf("screen of %s is %+v", app, screen)
	}
	if !s.listed(t, screen) {
		t.Errorf("%s is not listed", screen.Name)
	}
	return screen
}

func (s *suite) listed(t *testing.T, screen fusion.Screen) bool {
	t.Helper()
	list, err := s.host.Screens().List(context.WithoutCancel(t.Context()), fusion.Self)
	must(t, "list", err)
	return slices.ContainsFunc(list, func(x fusion.Screen) bool { return x.Name == screen.Name })
}

func (s *suite) untilGone(t *testing.T, screen fusion.Screen) {
	t.Helper()
	s.eventually(t, "the end of "+screen.Name, func() bool { return !s.listed(t, screen) })
}
