package main

import (
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// opened is an app that runs with files of this computer; nil is one without.
type opened struct {
	*client.Opening
	w      io.Writer
	notify bool       // say on the desktop what a person should see
	ended  chan error // yields what Notes gave
}

// run starts the app of a viewer, with files of this computer if there are any.
func (v *viewer) run(cmd *cobra.Command, files []string) (*opened, error) {
	if len(files) == 0 {
		return nil, v.launch(cmd.Context(), nil)
	}
	paths, err := localPaths(files)
	if err != nil {
		return nil, err
	}
	w := cmd.ErrOrStderr()
	bar := sending{w: w}
	o, err := v.c.Open(cmd.Context(), v.address, paths, bar.show)
	bar.done()
	if err != nil {
		return nil, err
	}
	v.screen, v.launched = o.Screen, true
	return &opened{Opening: o, w: w}, nil
}

// localPaths makes files absolute; a URL must be that of a file.
func localPaths(files []string) ([]string, error) {
	var out []string
	for _, file := range files {
		if strings.Contains(file, "://") {
			u, err := url.Parse(file)
			if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" {
				return nil, usage(&fusion.Error{Op: "app.run", Path: file, Cause: fusion.ErrUnsupported, Detail: "only files of this computer are opened",
					Hint: "download it, then give the PATH of the file"})
			}
			file = u.Path
		}
		abs, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		out = append(out, abs)
	}
	return out, nil
}

// sending shows on a terminal how far the files are.
type sending struct {
	w     io.Writer
	shown time.Time
}

func (p *sending) show(file string, sent, total int64) {
	if !terminal(p.w) || time.Since(p.shown) < meterPause {
		return
	}
	p.shown = time.Now()
	fmt.Fprintf(p.w, "\r\x1b[K%s: %s of %s", printable(filepath.Base(file)), bytesText(sent), bytesText(total))
}

func (p *sending) done() {
	if !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// follow begins to say what happens to the files, on the desktop too.
func (o *opened) follow(desktop bool) {
	if o == nil {
		return
	}
	o.notify = desktop
	o.ended = make(chan error, 1)
	go func() { o.ended <- o.Notes(o.note) }() // ends in settle
}

func (o *opened) note(n *pb.AppOpenNote) {
	fmt.Fprintln(o.w, noteText(n))
	if o.notify && n.What != "saved" {
		notify(printable(filepath.Base(n.File)), noteText(n))
	}
}

func noteText(n *pb.AppOpenNote) string {
	file, path := printable(n.File), printable(n.Path)
	switch n.What {
	case "kept":
		return fmt.Sprintf("%s changed here meanwhile; the app's version is %s", file, path)
	case "waits":
		return fmt.Sprintf("%s was not written back: %s", file, printable(n.Error))
	}
	return file + " was written back"
}

// settleTime is how long the last version of a file may take to come back
// before the node is left to it.
const settleTime = 30 * time.Second

// settle waits until the files are back.
func (o *opened) settle() error {
	if o == nil {
		return nil
	}
	defer o.Close()
	late := time.NewTimer(settleTime)
	defer late.Stop()
	select {
	case err := <-o.ended:
		return err
	case <-late.C:
		o.Close() // Notes ends
		fmt.Fprintln(o.w, "note: a file is not back yet; the node writes it back when it comes")
		return <-o.ended
	}
}

// leave lets the node do the rest.
func (o *opened) leave() {
	if o != nil {
		o.Close()
	}
}
