package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"hither/app/api"
	"hither/app/entry"
	"hither/app/lend"
	"hither/fusion"
)

// openDesk takes up the menu and the lent files.
func (n *Node) openDesk(_ context.Context, cfg Config) (err error) {
	if n.menu, err = menuOf(cfg); err != nil {
		return err
	}
	n.lent, err = lend.Open(lend.Config{Dir: cfg.Home.Sub("lent"), Log: part(cfg, "lend"),
		Host: func(id fusion.HostID) (fusion.Handover, string, error) {
			host, info, err := n.Resolve(string(id))
			if err != nil {
				return nil, "", err
			}
			return host.Apps(), info.Name, nil
		}})
	if err == nil {
		n.onClose(n.lent.Close)
	}
	return err
}

// menuOf gives the menu of the node's owner.
func menuOf(cfg Config) (entry.Menu, error) {
	data, err := entry.DataHome()
	if err != nil {
		return entry.Menu{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return entry.Menu{}, err
	}
	m := entry.Menu{Data: data, Program: program, Log: part(cfg, "menu")}
	if cfg.Home.Explicit {
		m.Home = cfg.Home.Dir
	}
	return m, nil
}

// Install puts apps of another host's machine into the menu.
func (n *Node) Install(ctx context.Context, host, machine string, ids []string, language string) ([]string, error) {
	const op = "app.install"
	if runtime.GOOS != "linux" {
		return nil, &fusion.Error{Op: op, Cause: fusion.ErrUnsupported, Detail: "menus of this system are not known",
			Hint: "start the app with: hither app run"}
	}
	h, info, err := n.Resolve(host)
	if err != nil {
		return nil, err
	}
	if info.Local && machine == fusion.Self {
		return nil, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrInvalid, Detail: "apps of this computer are in its menu already",
			Hint: "name a machine of another computer: HOST/MACHINE"}
	}
	apps, err := n.toInstall(ctx, h.Apps(), info, machine, ids, language)
	if err != nil {
		return nil, err
	}
	if err := n.menu.Install(ctx, apps...); err != nil {
		return nil, err
	}
	var done []string
	for _, a := range apps {
		done = append(done, a.ID)
	}
	n.log.Info("apps installed", "host", info.Name, "machine", machine, "apps", len(done), "trace", fusion.Trace(ctx))
	return done, nil
}

// toInstall asks the host about the apps: names in its own words and in the
// owner's language, and pictures.
func (n *Node) toInstall(ctx context.Context, from fusion.Apps, info fusion.HostInfo, machine string, ids []string, language string) ([]entry.App, error) {
	list, err := from.List(ctx, machine, "")
	if err != nil {
		return nil, err
	}
	var local []fusion.App
	if language != "" {
		if local, err = from.List(ctx, machine, language); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		if !slices.ContainsFunc(list, func(a fusion.App) bool { return a.ID == id }) {
			return nil, &fusion.Error{Op: "app.install", Path: info.Name + "/" + machine + "/" + id, Cause: fusion.ErrNotFound,
				Hint: "see what it has: hither app ls " + info.Name + "/" + machine}
		}
	}
	var apps []entry.App
	for _, a := range list {
		if len(ids) > 0 && !slices.Contains(ids, a.ID) {
			continue
		}
		a.Machine = machine
		if machine != fusion.Self {
			a.MIMETypes = nil // its apps are given no files
		}
		x := entry.App{App: a, Host: info.ID, HostName: info.Name, Locale: strings.ReplaceAll(language, "-", "_")}
		for _, l := range local {
			if l.ID == a.ID {
				x.LocalName = l.Name
			}
		}
		x.Picture, x.MediaType, err = from.Icon(ctx, machine, a.ID)
		if err != nil && !errors.Is(err, fusion.ErrNotFound) {
			return nil, err
		}
		apps = append(apps, x)
	}
	return apps, nil
}

// Uninstall takes apps out of the menu; their host may be away.
func (n *Node) Uninstall(ctx context.Context, host, machine string, ids []string) ([]string, error) {
	_, info, err := n.Resolve(host)
	if err != nil {
		return nil, err
	}
	gone, err := n.menu.Uninstall(ctx, func(i entry.Installed) bool {
		return i.Host == info.ID && i.Machine == machine && (len(ids) == 0 || slices.Contains(ids, i.App))
	})
	if err != nil {
		return nil, err
	}
	var done []string
	for _, i := range gone {
		done = append(done, i.App)
	}
	for _, id := range ids {
		if !slices.Contains(done, id) {
			return done, &fusion.Error{Op: "app.uninstall", Path: info.Name + "/" + machine + "/" + id, Cause: fusion.ErrNotFound,
				Detail: "it is not in the menu", Hint: "see what is: hither app ls " + info.Name + "/" + machine}
		}
	}
	return done, nil
}

// Installed gives the IDs of a machine's apps that are in the menu.
func (n *Node) Installed(host fusion.HostID, machine string) map[string]bool {
	list, err := n.menu.List()
	if err != nil {
		n.log.Warn("the menu was not read", "err", err)
	}
	ids := map[string]bool{}
	for _, i := range list {
		if i.Host == host && i.Machine == machine {
			ids[i.App] = true
		}
	}
	return ids
}

// leaveDesk takes what belongs to a host that is unpaired off the desktop.
func (n *Node) leaveDesk(ctx context.Context, host fusion.HostID) error {
	_, err := n.menu.Uninstall(ctx, func(i entry.Installed) bool { return i.Host == host })
	return errors.Join(err, n.lent.Forget(host))
}

// maxFiles is how many files one app is run with.
const maxFiles = 32

// Open runs an app with files of this computer. An app of this computer gets
// their paths, one of another copies.
func (n *Node) Open(ctx context.Context, host, machine, app string, files []string, tell func(api.Opening)) error {
	const op = "app.open"
	h, info, err := n.Resolve(host)
	if err != nil {
		return err
	}
	if len(files) > maxFiles {
		return &fusion.Error{Op: op, Path: app, Cause: fusion.ErrInvalid, Detail: "too many files", Hint: "open them in several calls"}
	}
	for _, file := range files {
		if !filepath.IsAbs(file) {
			return &fusion.Error{Op: op, Path: file, Cause: fusion.ErrInvalid, Detail: "not an absolute path", Hint: "name it by its whole path"}
		}
	}
	if info.Local && machine == fusion.Self {
		screen, err := h.Apps().Run(ctx, machine, app, files)
		if err == nil {
			tell(api.Opening{Screen: &screen})
		}
		return err
	}
	if machine != fusion.Self {
		return &fusion.Error{Op: op, Path: info.Name + "/" + machine, Cause: fusion.ErrUnsupported, Detail: "files are not handed to apps in a virtual machine",
			Hint: "install Hither in it and pair it, or put the file into a shared folder"}
	}
	loans, err := n.lendAll(ctx, info.ID, h.Apps(), files, tell)
	if err != nil {
		return err
	}
	screen, err := n.runWith(ctx, h.Apps(), machine, app, loans)
	if err != nil {
		return err
	}
	tell(api.Opening{Screen: &screen})
	return n.lent.Begin(ctx, loans, func(note lend.Note) { tell(api.Opening{Note: &note}) })
}

// progressPause keeps progress from being the work.
const progressPause = 100 * time.Millisecond

func (n *Node) lendAll(ctx context.Context, id fusion.HostID, to fusion.Apps, files []string, tell func(api.Opening)) ([]*lend.Loan, error) {
	var loans []*lend.Loan
	for _, file := range files {
		var told time.Time
		loan, err := lend.Lend(ctx, id, to, file, func(sent, total int64) {
			if sent == total || time.Since(told) >= progressPause {
				told = time.Now()
				tell(api.Opening{File: file, Sent: sent, Total: total})
			}
		})
		if err != nil {
			n.takeBack(ctx, to, loans)
			return nil, err
		}
		loans = append(loans, loan)
	}
	return loans, nil
}

func (n *Node) runWith(ctx context.Context, on fusion.Apps, machine, app string, loans []*lend.Loan) (fusion.Screen, error) {
	var files []string
	for _, l := range loans {
		files = append(files, l.File)
	}
	screen, err := on.Run(ctx, machine, app, files)
	if err != nil {
		n.takeBack(ctx, on, loans)
	}
	return screen, err
}

// takeBack drops copies that no app has; the host does so itself after a while.
func (n *Node) takeBack(ctx context.Context, from fusion.Apps, loans []*lend.Loan) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := lend.Return(ctx, from, loans); err != nil {
		n.log.Warn("a handed file stays on the other computer for some minutes", "err", err)
	}
}
