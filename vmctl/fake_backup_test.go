package vmctl

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// fakeBackups is what a hypervisor in memory knows of checkpoints and of its one backup
// job. Tests write to disks of machines that only seem to run with qemu-io.
type fakeBackups struct {
	marks   map[string][]string          // checkpoints by UUID, oldest first
	held    map[string]map[string][]byte // the disks then, by checkpoint and target
	job     map[string]backupJob         // by UUID
	begun   []string                     // the checkpoints that were gone back to
	hangs   chan struct{}                // when set, a job goes on until it is aborted; told of each that begins
	breaks  error                        // going back to a checkpoint is refused so
	dropped []string
}

func (f *fake) beginBackup(uuid, backup, checkpoint string) error {
	if err := f.refusal("backup"); err != nil {
		return err
	}
	var x domainBackupXML
	var c checkpointXML
	if err := xml.Unmarshal([]byte(backup), &x); err != nil {
		return &driverError{fusion.ErrInvalid, err.Error()}
	}
	if checkpoint != "" {
		if err := xml.Unmarshal([]byte(checkpoint), &c); err != nil {
			return &driverError{fusion.ErrInvalid, err.Error()}
		}
	}
	d, err := f.domain(uuid)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b := &f.backed
	switch {
	case b.job[uuid].active:
		return &driverError{fusion.ErrInvalid, "another backup job is already running"}
	case x.Incremental != "" && (b.breaks != nil || !slices.Contains(b.marks[uuid], x.Incremental)):
		return errors.Join(&driverError{errHypervisor, "missing or broken bitmap"}, b.breaks)
	}
	b.begun = append(b.begun, x.Incremental)
	now := map[string][]byte{}
	for _, disk := range x.Disks {
		if disk.Backup != "yes" {
			continue
		}
		i := slices.IndexFunc(d.Disks, func(one domxml.Disk) bool { return one.Target == disk.Name })
		if now[disk.Name], err = fakeRaw(d.Disks[i].Path); err == nil {
			err = fakePush(now[disk.Name], b.held[x.Incremental][disk.Name], disk.Target.File)
		}
		if err != nil {
			return err
		}
	}
	if c.Name != "" {
		if b.marks == nil {
			b.marks, b.held = map[string][]string{}, map[string]map[string][]byte{}
		}
		b.marks[uuid] = append(b.marks[uuid], c.Name)
		b.held[c.Name] = now
	}
	if b.job == nil {
		b.job = map[string]backupJob{}
	}
	b.job[uuid] = backupJob{completed: true}
	if b.hangs != nil {
		b.job[uuid] = backupJob{active: true, done: 1, total: 2}
		b.hangs <- struct{}{}
	}
	return nil
}

// fakeRaw gives the bytes of a qcow2's disk.
func fakeRaw(path string) ([]byte, error) {
	temp, err := os.CreateTemp("", "raw-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp.Name())
	if err := temp.Close(); err != nil {
		return nil, err
	}
	if out, err := exec.Command("qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", path, temp.Name()).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(temp.Name())
}

// fakePush writes the clusters of a disk that are others than before into a file.
func fakePush(now, before []byte, path string) error {
	const cluster = 64 << 10
	args := []string{"-f", "qcow2"}
	for at := 0; at < len(now); at += cluster {
		part := now[at:min(at+cluster, len(now))]
		if before == nil && isZero(part) || before != nil && bytes.Equal(part, before[at:at+len(part)]) {
			continue
		}
		if !bytes.Equal(part, bytes.Repeat(part[:1], len(part))) {
			return errors.New("the fake knows clusters of one byte only")
		}
		args = append(args, "-c", fmt.Sprintf("write -P %d %d %d", part[0], at, len(part)))
	}
	if len(args) == 2 {
		return nil
	}
	out, err := exec.Command("qemu-io", append(args, path)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (f *fake) backupJob(uuid string) (backupJob, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.backed.job[uuid], f.refuse["backup job"]
}

func (f *fake) abortJob(uuid string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.backed.job[uuid].active {
		return nil
	}
	f.backed.job[uuid] = backupJob{why: "it was ended"}
	return nil
}

func (f *fake) checkpoints(uuid string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.backed.marks[uuid]), nil
}

func (f *fake) removeCheckpoint(uuid, name string) error {
	if err := f.refusal("checkpoint"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.backed.dropped = append(f.backed.dropped, name)
	f.backed.marks[uuid] = slices.DeleteFunc(f.backed.marks[uuid], func(one string) bool { return one == name })
	return nil
}
