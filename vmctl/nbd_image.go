package vmctl

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"

	"hither/fusion"
	"hither/vmctl/process"
)

// nbdImage is an image that a qemu-nbd of its own has open; it ends with the node.
type nbdImage struct {
	*nbd
	ended chan error // what became of qemu-nbd
	said  *process.Tail
}

// openImage opens an image of a format, for writing or only for reading. A file that it
// writes may not become longer than most bytes.
func (s *Store) openImage(ctx context.Context, op, name, path, format string, write bool, most int64) (*nbdImage, error) {
	program, err := exec.LookPath("qemu-nbd")
	if err != nil {
		return nil, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: "qemu-nbd is not here", Hint: InstallHint}
	}
	server, client, err := listenerFile(s.config.RunDir)
	if err != nil {
		return nil, err
	}
	// It is given the socket as systemd gives one (sd_listen_fds(3)), so that it is there
	// before the program is.
	args := []string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"`, "sh", program, "-f", format}
	if write {
		args = append(args, "--cache=writeback", "--discard=unmap")
	} else {
		args = append(args, "--read-only", "--cache=writeback")
	}
	image := &nbdImage{ended: make(chan error, 1), said: &process.Tail{}}
	cmd := exec.CommandContext(ctx, "/bin/sh", append(args, path)...)
	cmd.ExtraFiles = append(cmd.ExtraFiles, server)
	cmd.Stderr = image.said
	go func() { image.ended <- errors.Join(process.RunBound(cmd, most), server.Close()) }()
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	image.nbd, err = openNBD(client)
	if err != nil {
		return nil, image.explain(ctx, op, name, err)
	}
	return image, nil
}

// close ends qemu-nbd; what was written is on its way to the disk then.
func (i *nbdImage) close() error {
	err := i.nbd.end()
	return errors.Join(err, <-i.ended)
}

// explain gives an error of the connection the words of qemu-nbd, which has ended then.
func (i *nbdImage) explain(ctx context.Context, op, name string, err error) error {
	ended := <-i.ended
	text := strings.TrimPrefix(i.said.String(), "qemu-nbd: ")
	switch {
	case ctx.Err() != nil:
		return fail(op, name, ctx.Err())
	case strings.Contains(text, "Failed to get") && strings.Contains(text, "lock"):
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "another program uses its disk", Hint: "try again in a moment"}
	case text != "":
		return &fusion.Error{Op: op, Path: name, Cause: errors.New("qemu-nbd refuses"), Detail: text}
	}
	return errors.Join(err, ended)
}

// extent is a part of an image, in bytes.
type extent struct{ start, length int64 }

// mapped gives the parts of an image that hold something. Of one that has only what
// changed these are the changes, also those to zero, which present tells.
func mapped(ctx context.Context, op, name, path, format string, present bool) (parts []extent, err error) {
	return mapImage(ctx, op, name, []string{"-f", format, path}, func(zero, data, is bool) bool { return present && is || !present && data && !zero })
}

// mapImage gives those parts of an image, named as qemu-img takes it, that are wanted.
func mapImage(ctx context.Context, op, name string, image []string, want func(zero, data, present bool) bool) (parts []extent, err error) {
	program, err := exec.LookPath("qemu-img")
	if err != nil {
		return nil, noQemuImg(op, name)
	}
	said := &process.Tail{}
	cmd := exec.CommandContext(ctx, program, append([]string{"map", "--output=json"}, image...)...)
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var list []struct {
		Start, Length       int64
		Zero, Data, Present bool
	}
	err = json.NewDecoder(out).Decode(&list)
	_, drained := io.Copy(io.Discard, out)
	if waited := cmd.Wait(); waited != nil {
		err = &fusion.Error{Op: op, Path: name, Cause: errors.New("qemu-img refuses"), Detail: said.String()}
	} else if err == nil {
		err = drained
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	for _, e := range list {
		if want(e.Zero, e.Data, e.Present) {
			parts = append(parts, extent{e.Start, e.Length})
		}
	}
	return parts, fail(op, name, err)
}
