package shell

import (
	"context"
	"sync"

	"github.com/wailsapp/wails/v2/pkg/runtime"

	"hither/fusion"
)

// wailsDesktop is the desktop through Wails; ctx is the one that it gave.
type wailsDesktop struct {
	ctx    context.Context
	notify sync.Once
	err    error // of the first Notify
}

var _ desktop = (*wailsDesktop)(nil)

func (d *wailsDesktop) SetTitle(title string) { runtime.WindowSetTitle(d.ctx, title) }

func (d *wailsDesktop) Raise() {
	runtime.WindowUnminimise(d.ctx)
	runtime.WindowShow(d.ctx)
}

func (d *wailsDesktop) Reload() { runtime.WindowReload(d.ctx) }

func (d *wailsDesktop) ChooseDirectory(title string) (string, error) {
	return runtime.OpenDirectoryDialog(d.ctx, runtime.OpenDialogOptions{Title: title, CanCreateDirectories: true})
}

func (d *wailsDesktop) Notify(title, body string) error {
	d.notify.Do(func() { d.err = runtime.InitializeNotifications(d.ctx) })
	if d.err != nil {
		return &fusion.Error{Op: "notify", Cause: fusion.ErrUnsupported, Detail: d.err.Error(),
			Hint: "this desktop shows no notifications"}
	}
	return runtime.SendNotification(d.ctx, runtime.NotificationOptions{ID: fusion.NewTrace(), Title: title, Body: body})
}

func (d *wailsDesktop) Complain(text string) {
	// What the person answers to a plain message is of no interest.
	_, _ = runtime.MessageDialog(d.ctx, runtime.MessageDialogOptions{Type: runtime.ErrorDialog, Title: "Hither", Message: text})
}
