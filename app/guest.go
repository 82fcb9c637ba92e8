package app

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"regexp"
	"slices"
	"strings"

	"hither/fusion"
	"hither/remoteapp/desktop"
)

//go:embed guest_list.sh
var listScript string

//go:embed guest_run.sh
var runScript string

// guestDirs are where a Linux guest keeps its desktop entries.
var guestDirs = []string{"/usr/share", "/usr/local/share", "/var/lib/flatpak/exports/share"}

// guestDisplay is the display that a guest's screen shows.
const guestDisplay = ":0"

// guests are the apps of virtual machines, through the guest agent. What a guest
// says is not to be trusted: it is bounded, and only shown.
type guests struct {
	// run runs a program in a machine; vmctl.Store.GuestRun.
	run  func(ctx context.Context, machine string, argv []string) ([]byte, int, error)
	dirs []string
}

// List gives the apps of a guest's menu, by name.
func (g guests) List(ctx context.Context, machine, language string) ([]fusion.App, error) {
	entries, err := g.entries(ctx, machine, language)
	if err != nil {
		return nil, err
	}
	apps := []fusion.App{}
	for _, e := range entries {
		apps = append(apps, fusion.App{Machine: machine, ID: e.ID, Name: e.Name(language), Comment: e.Comment(language), Icon: e.Icon(),
			Categories: e.Categories(), MIMETypes: e.MIMETypes()})
	}
	slices.SortStableFunc(apps, func(a, b fusion.App) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return apps, nil
}

// stillInstalling says why the apps of a machine cannot be listed whose first start
// installs them, and with them its agent.
func stillInstalling(m fusion.Machine, err error) error {
	if len(m.Installing) == 0 || !errors.Is(err, fusion.ErrUnsupported) && !errors.Is(err, fusion.ErrBusy) {
		return err
	}
	return &fusion.Error{Op: "app.list", Path: m.Name, Cause: fusion.ErrBusy, Detail: "its apps are being installed",
		Hint: "that takes some minutes after its first start; its screen and its console show how far it is"}
}

var twoLetters = regexp.MustCompile(`^[a-z]{2}`)

func (g guests) entries(ctx context.Context, machine, language string) ([]*desktop.Entry, error) {
	lang := cmp.Or(twoLetters.FindString(language), "en")
	out, code, err := g.run(ctx, machine, append([]string{"/bin/sh", "-c", listScript, "sh", lang}, g.dirs...))
	if err == nil && code != 0 {
		err = &fusion.Error{Op: "app.list", Path: machine, Cause: fusion.ErrUnsupported, Detail: "its menu could not be read",
			Hint: "apps are listed of Linux guests; open its screen instead"}
	}
	return parseGuest(out), err
}

// parseGuest reads what the script prints; what is not sound is left out.
func parseGuest(out []byte) []*desktop.Entry {
	const most = 4096
	var entries []*desktop.Entry
	seen := map[string]bool{}
	for part := range bytes.SplitSeq(out, []byte{0x1e}) {
		name, text, _ := bytes.Cut(part, []byte{0x1f})
		id, ok := strings.CutSuffix(string(name), ".desktop")
		if !ok || fusion.CheckName(id) != nil || seen[id] || len(entries) >= most {
			continue
		}
		seen[id] = true
		if e, err := desktop.ParseEntry(id, "", text); err == nil && e.Shown() {
			entries = append(entries, e)
		}
	}
	return entries
}

// Run starts an app on the guest's own display and gives the machine's screen.
func (g guests) Run(ctx context.Context, machine, app string, files []string) (fusion.Screen, error) {
	const op = "app.run"
	path := machine + "/" + app
	if len(files) > 0 {
		return fusion.Screen{}, &fusion.Error{Op: op, Path: path, Cause: fusion.ErrUnsupported, Detail: "files are not handed to apps in a virtual machine",
			Hint: "install Hither in it and pair it, or put the file into a shared folder"}
	}
	entries, err := g.entries(ctx, machine, "")
	if err != nil {
		return fusion.Screen{}, err
	}
	i := slices.IndexFunc(entries, func(e *desktop.Entry) bool { return e.ID == app })
	if i < 0 {
		return fusion.Screen{}, &fusion.Error{Op: op, Path: path, Cause: fusion.ErrNotFound, Hint: "hither app ls shows what can be opened"}
	}
	command, err := entries[i].Command(nil)
	if err != nil {
		return fusion.Screen{}, &fusion.Error{Op: op, Path: path, Cause: fusion.ErrInvalid, Detail: err.Error(), Hint: "its desktop entry is broken"}
	}
	if entries[i].Terminal() {
		command = append([]string{"x-terminal-emulator", "-e"}, command...)
	}
	if err := g.start(ctx, machine, path, command); err != nil {
		return fusion.Screen{}, err
	}
	return fusion.Screen{Name: machine, Machine: machine, Kind: fusion.ScreenConsole, Title: entries[i].Name("")}, nil
}

func (g guests) start(ctx context.Context, machine, path string, command []string) error {
	_, code, err := g.run(ctx, machine, append([]string{"/bin/sh", "-c", runScript, "sh", guestDisplay}, command...))
	wrong := &fusion.Error{Op: "app.run", Path: path, Cause: fusion.ErrUnsupported}
	switch code {
	case 0:
		return err
	case 3:
		wrong.Detail, wrong.Hint = "nobody is logged in on its screen", "open its screen and log in there first"
	case 127:
		wrong.Detail, wrong.Hint = "its program is not installed in the guest", "open its screen and install it there"
	default:
		wrong.Cause, wrong.Hint = errors.New("the app did not start in the guest"), "open its screen and start it there"
	}
	return wrong
}
