package hosttest

import (
	"errors"
	"io"
	"strings"
	"testing"

	"hither/fusion"
)

// writer is a host on which the test can write as an app does.
type writer interface {
	Write(file string, data []byte)
}

// testHandover hands files over. Only on the memory host is one written here;
// real apps write in the tests of remoteapp and internal/e2e.
func (s *suite) testHandover(t *testing.T) {
	ctx, apps := s.ctx(t), s.host.Apps()
	_, err := apps.Hand(ctx, "short.txt", 9, strings.NewReader("abc"))
	if err == nil {
		t.Error("a file that is shorter than announced was taken")
	}
	dropped, err := apps.Hand(ctx, "a.txt", 3, strings.NewReader("abc"))
	must(t, "hand", err)
	if !strings.HasPrefix(dropped, fusion.HandedPrefix) {
		t.Errorf("handed as %q", dropped)
	}
	must(t, "drop", apps.Drop(ctx, dropped))
	refused(t, "drop again", apps.Drop(ctx, dropped), fusion.ErrNotFound)
	_, err = apps.Take(ctx, dropped, "")
	refused(t, "take what was dropped", err, fusion.ErrNotFound)
	app := s.App
	if app == "" {
		app = "terminal"
	}
	_, err = apps.Run(ctx, fusion.Self, app, []string{dropped})
	refused(t, "run with what was dropped", err, fusion.ErrNotFound)
	memory, ok := s.host.(writer)
	if !ok {
		return
	}
	file, err := apps.Hand(ctx, "../b.txt", 0, strings.NewReader(""))
	must(t, "hand", err)
	screen, err := apps.Run(ctx, fusion.Self, app, []string{file})
	must(t, "run", err)
	memory.Write(file, []byte("new"))
	taken, err := apps.Take(ctx, file, "")
	must(t, "take", err)
	data, err := io.ReadAll(taken)
	must(t, "read", errors.Join(err, taken.Close()))
	if string(data) != "new" || taken.Version == "" {
		t.Errorf("took %q as version %q", data, taken.Version)
	}
	must(t, "end", apps.End(ctx, screen.Name))
	_, err = apps.Take(ctx, file, taken.Version)
	refused(t, "take after the end", err, fusion.ErrNotFound)
}
