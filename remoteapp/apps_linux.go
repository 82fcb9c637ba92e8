package remoteapp

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hither/fusion"
	"hither/remoteapp/desktop"
)

// firstWindow is how long an app may take to show its first window.
const firstWindow = 30 * time.Second

// List gives the programs of the machine "self"; see fusion.Apps.
func (s *Store) List(_ context.Context, machine, language string) ([]fusion.App, error) {
	if err := checkMachine("app.list", machine); err != nil {
		return nil, err
	}
	apps := []fusion.App{}
	for _, e := range s.catalogue.List(language) {
		apps = append(apps, fusion.App{Machine: machine, ID: e.ID, Name: e.Name(language), Comment: e.Comment(language),
			Icon: e.Icon(), Categories: e.Categories(), MIMETypes: e.MIMETypes()})
	}
	return apps, nil
}

func checkMachine(op, machine string) error {
	if machine == fusion.Self {
		return nil
	}
	return &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported,
		Hint: "apps inside a virtual machine cannot be opened one by one yet; open its screen instead"}
}

// Icon gives an app's picture; see fusion.Apps.
func (s *Store) Icon(_ context.Context, machine, app string) ([]byte, string, error) {
	e, err := s.entry("app.icon", machine, app)
	if err != nil {
		return nil, "", err
	}
	picture, mediaType, ok := s.catalogue.Icon(e.Icon())
	if !ok {
		return nil, "", &fusion.Error{Op: "app.icon", Path: machine + "/" + app, Cause: fusion.ErrNotFound, Detail: "it has no picture"}
	}
	return picture, mediaType, nil
}

func (s *Store) entry(op, machine, app string) (*desktop.Entry, error) {
	if err := checkMachine(op, machine); err != nil {
		return nil, err
	}
	if e := s.catalogue.Find(app); e != nil {
		return e, nil
	}
	return nil, &fusion.Error{Op: op, Path: machine + "/" + app, Cause: fusion.ErrNotFound,
		Hint: "hither app ls shows what can be opened"}
}

// Run starts an app and waits for its first window; see fusion.Apps.
func (s *Store) Run(ctx context.Context, machine, app string, files []string) (fusion.Screen, error) {
	const op = "app.run"
	path := machine + "/" + app
	e, err := s.entry(op, machine, app)
	if err != nil {
		return fusion.Screen{}, err
	}
	paths, mine, err := s.handover.claim(files)
	if err != nil {
		return fusion.Screen{}, err
	}
	command, err := commandOf(e, paths)
	if err != nil {
		return fusion.Screen{}, appError(op, path, err)
	}
	if err := checkPrograms(op, path); err != nil {
		return fusion.Screen{}, err
	}
	srv, err := s.reserve(op, app)
	if err != nil {
		return fusion.Screen{}, err
	}
	srv.Name = e.Name("")
	ctx, cancel := context.WithTimeout(ctx, firstWindow)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)() // the node is stopping
	if err := s.handover.lend(mine, srv.Instance); err != nil {
		s.unreserve(srv)
		return fusion.Screen{}, appError(op, path, err)
	}
	i, err := s.launch(ctx, srv, command, workDir(e))
	if err != nil {
		return fusion.Screen{}, appError(op, path, err)
	}
	screen, err := i.await(ctx)
	if err != nil {
		return fusion.Screen{}, appError(op, path, err)
	}
	s.cfg.Log.Info("app started", "instance", i.Instance, "trace", fusion.Trace(ctx))
	return screen, nil
}

// commandOf gives the command line; files must be there.
func commandOf(e *desktop.Entry, files []string) ([]string, error) {
	for _, file := range files {
		if !filepath.IsAbs(file) {
			return nil, &fusion.Error{Cause: fusion.ErrInvalid, Detail: file + ": not an absolute path"}
		}
		if _, err := os.Stat(file); err != nil {
			return nil, &fusion.Error{Cause: fusion.ErrNotFound, Detail: file, Hint: "files must be on the computer where the app runs"}
		}
	}
	command, err := e.Command(files)
	if many := (desktop.TooManyFiles{}); errors.As(err, &many) {
		return nil, &fusion.Error{Cause: fusion.ErrInvalid, Detail: many.Error(),
			Hint: "start it with fewer files, or open them with another app"}
	}
	if err != nil {
		return nil, &fusion.Error{Cause: fusion.ErrInvalid, Detail: err.Error(), Hint: "its desktop entry " + e.Path + " is broken"}
	}
	if !e.Terminal() {
		return command, nil
	}
	if _, err := exec.LookPath("xterm"); err != nil {
		return nil, &fusion.Error{Cause: fusion.ErrUnsupported, Detail: "it runs in a terminal, and xterm is not installed",
			Hint: "install the package xterm on this computer"}
	}
	return append([]string{"xterm", "-T", e.Name(""), "-e"}, command...), nil
}

func workDir(e *desktop.Entry) string {
	if dir := e.WorkDir(); filepath.IsAbs(dir) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "/"
	}
	return home
}

// appError puts what was done and to what in front of an error.
func appError(op, path string, err error) error {
	var known *fusion.Error
	if errors.As(err, &known) && known.Op == "" {
		known.Op, known.Path = op, path
		return known
	}
	return &fusion.Error{Op: op, Path: path, Cause: err}
}

// reserve takes a place among the running apps, under a name not used before.
func (s *Store) reserve(op, app string) (*server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, &fusion.Error{Op: op, Path: app, Cause: fusion.ErrOffline, Detail: "the node is stopping"}
	}
	if len(s.instances) >= s.cfg.MaxApps {
		return nil, &fusion.Error{Op: op, Path: app, Cause: fusion.ErrBusy, Detail: "too many apps run at once",
			Hint: "close one first"}
	}
	const suffix = 6
	name := app[:min(len(app), 64-1-suffix)] + "-" + strings.ToLower(rand.Text()[:suffix])
	s.instances[name] = nil
	s.wg.Add(1) // launch is done with it
	return s.newServer(name, app), nil
}

// unreserve gives a place back that was not launched into.
func (s *Store) unreserve(srv *server) {
	defer s.wg.Done()
	s.forget(newInstance(s, srv))
}

func (s *Store) newServer(instance, app string) *server {
	return &server{record: record{Instance: instance, App: app}, log: s.cfg.Log, sounds: s.cfg.Sounds,
		dir:    filepath.Join(s.cfg.Dir, instance),
		socket: filepath.Join(s.cfg.RunDir, instance+".bus"),
		sound:  filepath.Join(s.cfg.RunDir, instance+".sound")}
}

// launch starts the display and the app in it, and the loop that watches it.
func (s *Store) launch(ctx context.Context, srv *server, command []string, dir string) (*instance, error) {
	defer s.wg.Done()
	i := newInstance(s, srv)
	err := s.launchServer(ctx, srv, command, dir)
	if err == nil {
		err = s.watchOver(i)
	}
	if err != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		err = errors.Join(err, srv.end(clean))
		s.forget(i)
		return nil, err
	}
	return i, nil
}

func (s *Store) launchServer(ctx context.Context, srv *server, command []string, dir string) error {
	if err := os.MkdirAll(srv.dir, 0o700); err != nil {
		return err
	}
	if err := srv.configure(); err != nil {
		return err
	}
	if err := srv.start(ctx, "openbox", "--sm-disable", "--config-file", srv.rc()); err != nil {
		return err
	}
	var err error
	if srv.Process, err = srv.launch(command, "log", dir, []string{appMark + srv.mark()}); err != nil {
		return err
	}
	return s.keep(srv.record)
}

// watchOver starts an instance's loop, unless the Store is closing.
func (s *Store) watchOver(i *instance) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &fusion.Error{Cause: fusion.ErrOffline, Detail: "the node is stopping"}
	}
	s.instances[i.Instance] = i
	s.wg.Go(func() { i.run(s.ctx) })
	return nil
}

// await waits for the first window. Without one, the app is ended.
func (i *instance) await(ctx context.Context) (fusion.Screen, error) {
	select {
	case <-i.ready:
		screen, _ := i.Screen()
		return screen, nil
	case <-i.ended:
		return fusion.Screen{}, &fusion.Error{Cause: fusion.ErrInvalid, Detail: join("it ended before it showed a window", i.lastWords),
			Hint: "it may be open on this computer's own desktop already; close it there, or start it in a terminal to see what it says"}
	case <-i.store.ctx.Done():
		return fusion.Screen{}, &fusion.Error{Cause: fusion.ErrOffline, Detail: "the node is stopping"}
	case <-ctx.Done():
		words := i.tail("log")
		i.askEnd()
		select {
		case <-i.ended:
		case <-i.store.ctx.Done():
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return fusion.Screen{}, ctx.Err()
		}
		return fusion.Screen{}, &fusion.Error{Cause: fusion.ErrBusy, Detail: join("it showed no window", words),
			Hint: "start it in a terminal on that computer to see what it waits for"}
	}
}

func join(what, words string) string {
	if words == "" {
		return what
	}
	return what + "; it said: " + words
}
