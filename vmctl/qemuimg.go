package vmctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
	"hither/vmctl/process"
)

// An imageJob is one run of qemu-img that makes a file of the pool.
type imageJob struct {
	op, name string // for errors: what is done to which machine
	step     string // for whoever follows it
	done     int64  // bytes of the step before this run
	bytes    int64  // that this run adds
	total    int64  // of the step
}

// noQemuImg says what is missing.
func noQemuImg(op, name string) error {
	return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: "qemu-img is not here", Hint: InstallHint}
}

// overlay makes a linked disk of the pool that stands on another one.
func (s *Store) overlay(ctx context.Context, job imageJob, file, base string) error {
	temp := filepath.Join(s.config.pool(), imagepool.Partial+file)
	defer os.Remove(temp) // after the rename there is nothing to remove
	// The base's name is relative: both lie in the pool, wherever that is.
	if err := s.qemuImg(ctx, job, "create", "-q", "-f", imagefile.Qcow2, "-F", imagefile.Qcow2, "-b", base, temp); err != nil {
		return err
	}
	return s.pool.Named(job.op, job.name, temp, file)
}

// flatten makes a disk of the pool that is a full copy of another, with all that it
// stands on.
func (s *Store) flatten(ctx context.Context, job imageJob, from, format, file string) error {
	temp := filepath.Join(s.config.pool(), imagepool.Partial+file)
	defer os.Remove(temp) // after the rename there is nothing to remove
	if err := s.qemuImg(ctx, job, "convert", "-p", "-f", format, "-O", imagefile.Qcow2, from, temp); err != nil {
		return err
	}
	return s.pool.Named(job.op, job.name, temp, file)
}

// qemuImg runs qemu-img, which ends with the node, and reports how far it is. What it
// writes leaves the pool's reserve free.
func (s *Store) qemuImg(ctx context.Context, job imageJob, args ...string) error {
	program, err := exec.LookPath("qemu-img")
	if err != nil {
		return noQemuImg(job.op, job.name)
	}
	free, err := computer.FreeBytes(s.config.pool())
	if err != nil {
		return fail(job.op, job.name, err)
	}
	said := &process.Tail{}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout = &progressReader{report: func(part float64) {
		fusion.Report(ctx, fusion.Progress{Step: job.step, Done: job.done + int64(part*float64(job.bytes)), Total: job.total})
	}}
	cmd.Stderr = said
	err = process.RunBound(cmd, max(free-imagepool.Reserve, 0))
	switch text := said.String(); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fail(job.op, job.name, ctx.Err())
	case strings.Contains(text, "No space left"), strings.Contains(text, "File too large"), process.TooLarge(err):
		return imagepool.NoRoom(job.op, job.name, s.config.pool()+" is full")
	case strings.Contains(text, `Failed to get`) && strings.Contains(text, "lock"):
		return &fusion.Error{Op: job.op, Path: job.name, Cause: fusion.ErrBusy, Detail: "another program uses its disk", Hint: "try again in a moment"}
	default:
		return &fusion.Error{Op: job.op, Path: job.name, Cause: errors.New("qemu-img refuses"), Detail: text}
	}
}

// progressReader reads "    (12.50/100%)\r", which qemu-img -p prints.
type progressReader struct {
	line   []byte
	report func(part float64)
}

func (p *progressReader) Write(data []byte) (int, error) {
	for _, b := range data {
		if b != '\r' && b != '\n' {
			if len(p.line) < 64 {
				p.line = append(p.line, b)
			}
			continue
		}
		text, _, ok := strings.Cut(strings.TrimLeft(string(p.line), " ("), "/")
		p.line = p.line[:0]
		if percent, err := strconv.ParseFloat(text, 64); ok && err == nil {
			p.report(min(max(percent/100, 0), 1))
		}
	}
	return len(data), nil
}

// imageInfo is what qemu-img says of an image, of which it opens no other file.
type imageInfo struct {
	Format  string `json:"format"`
	Size    int64  `json:"virtual-size"`
	Backing string `json:"backing-filename"`
	// Extents are the files that a VMDK consists of.
	Specific struct {
		Data struct {
			DataFile string `json:"data-file"`
			Extents  []struct {
				Filename string `json:"filename"`
			} `json:"extents"`
		} `json:"data"`
	} `json:"format-specific"`
}

// describe asks qemu-img about an image of a format that was recognized before.
func describe(ctx context.Context, op, name, path, format string) (info imageInfo, err error) {
	program, err := exec.LookPath("qemu-img")
	if err != nil {
		return info, noQemuImg(op, name)
	}
	said := &process.Tail{}
	cmd := exec.CommandContext(ctx, program, "info", "--output=json", "-f", format, path)
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return info, err
	}
	if err := cmd.Start(); err != nil {
		return info, err
	}
	text, err := io.ReadAll(io.LimitReader(out, 1<<20))
	if err == nil && len(text) == 1<<20 {
		err = errors.New("qemu-img says too much")
	}
	if waited := cmd.Wait(); ctx.Err() != nil {
		return info, fail(op, name, ctx.Err())
	} else if waited != nil {
		return info, invalid(op, name, "it is broken: "+strings.TrimPrefix(said.String(), "qemu-img: "), "copy or export it again, and see that it came whole")
	}
	if err == nil {
		err = json.Unmarshal(text, &info)
	}
	if err != nil {
		return info, fmt.Errorf("qemu-img info: %w", err)
	}
	return info, nil
}
