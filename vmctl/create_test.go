package vmctl

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
)

func TestCreateRefuses(t *testing.T) {
	for name, spec := range map[string]fusion.MachineSpec{
		"up":       {Name: "../up"},
		"markup":   {Name: "<xml>"},
		"nothing":  {},
		"long":     {Name: strings.Repeat("x", 65)},
		"memory":   {Name: "m", MemoryBytes: 1},
		"negative": {Name: "m", MemoryBytes: -1},
		"cpus":     {Name: "m", CPUs: 1000},
		"disk":     {Name: "m", DiskBytes: -5},
		"iso path": {Name: "m", ISO: "/etc/passwd"},
		"image":    {Name: "m", Image: "../x"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			s := store(t, f)
			_, err := s.Create(t.Context(), spec)
			refused(t, err, fusion.ErrInvalid)
			if len(f.all) != 0 {
				t.Errorf("left: %+v", f.all)
			}
		})
	}
	s := store(t, newFake())
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: fusion.Self})
	refused(t, err, fusion.ErrExists)
	_, err = s.Create(t.Context(), fusion.MachineSpec{Name: "m", ISO: "none.iso"})
	refused(t, err, fusion.ErrNotFound)
	refused(t, s.Remove(t.Context(), fusion.Self), fusion.ErrUnsupported)
}

func TestCreateAndRemove(t *testing.T) {
	f := newFake()
	s := store(t, f)
	events := watch(t, s)
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: "m", Start: true}))(t)
	if m.State != fusion.Running || m.CPUs != 1 || m.MemoryBytes != 1<<30 || !m.Screen || m.Started.IsZero() {
		t.Errorf("%+v", m)
	}
	events.await(t, "m running")
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "m"})
	refused(t, err, fusion.ErrExists)
	refused(t, s.Remove(t.Context(), "m"), fusion.ErrBusy)
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	ok(t, s.Remove(t.Context(), "m"))
	events.await(t, "m removed")
	refused(t, s.Remove(t.Context(), "m"), fusion.ErrNotFound)
}

func TestCreateLeavesNothing(t *testing.T) {
	for _, step := range []string{"define", string(fusion.Start)} {
		f := newFake()
		f.refuses(step, &driverError{errHypervisor, "Cannot allocate memory"})
		s := store(t, f)
		_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "m", Start: true})
		refused(t, err, errHypervisor)
		if list := must(s.List(t.Context()))(t); len(f.all) != 0 || len(list) != 1 {
			t.Errorf("%s: left %+v", step, f.all)
		}
	}
	s := store(t, newFake())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Create(ctx, fusion.MachineSpec{Name: "m"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestRemoveDeletesOwnDisksOnly holds against a definition that somebody else
// wrote metadata into.
func TestRemoveDeletesOwnDisksOnly(t *testing.T) {
	f := newFake()
	s := store(t, f)
	pool := s.config.pool()
	uuid := newUUID()
	own := "m-" + head(uuid) + "-0.qcow2"
	for _, file := range []string{own, "base.qcow2", "../kvm.json"} {
		ok(t, os.WriteFile(filepath.Join(pool, file), nil, 0o600))
	}
	d := vm(uuid, "m", fusion.Off)
	d.OwnDisks = []string{own, "base.qcow2", "../kvm.json", "../" + own}
	f.put(d)
	ok(t, s.Remove(t.Context(), "m"))
	for file, want := range map[string]bool{own: false, "base.qcow2": true, "../kvm.json": true} {
		if _, err := os.Stat(filepath.Join(pool, file)); (err == nil) != want {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestUpload(t *testing.T) {
	s := store(t, newFake())
	ctx := t.Context()
	ok(t, s.Upload(ctx, "a.iso", 5, strings.NewReader("hello")))
	ok(t, s.Upload(ctx, "b.iso", -1, strings.NewReader("hello")))
	ok(t, s.Upload(ctx, "empty", 0, strings.NewReader("")))
	err := s.Upload(ctx, "a.iso", 6, strings.NewReader("other!"))
	refused(t, err, fusion.ErrExists)
	if !strings.Contains(err.Error(), "it has ") {
		t.Errorf("%v does not tell the size", err)
	}
	for _, name := range []string{"", "../x", ".hidden", "a/b"} {
		refused(t, s.Upload(ctx, name, 1, strings.NewReader("x")), fusion.ErrInvalid)
	}
	refused(t, s.Upload(ctx, "short", 9, strings.NewReader("hello")), fusion.ErrInvalid)
	refused(t, s.Upload(ctx, "long", 2, strings.NewReader("hello")), fusion.ErrInvalid)
	refused(t, s.Upload(ctx, "huge", 1<<60, strings.NewReader("hello")), fusion.ErrInvalid)
	broken := errors.New("cable pulled")
	if err := s.Upload(ctx, "cut", 9, io.MultiReader(strings.NewReader("hel"), errReader{broken})); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Upload(ended, "late", 5, strings.NewReader("hello")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if files := must(s.Images().List(ctx))(t); len(files) != 3 {
		t.Errorf("the pool has %v", files)
	}
	if files := must(os.ReadDir(s.config.pool()))(t); len(files) != 6 { // with a note on each
		t.Errorf("the pool has %v", files)
	}
	if data := must(os.ReadFile(filepath.Join(s.config.pool(), "a.iso")))(t); string(data) != "hello" {
		t.Errorf("a.iso has %q", data)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestScreenshotConverts(t *testing.T) {
	f := newFake()
	f.put(vm("1", "m", fusion.Running))
	f.put(vm("2", "off", fusion.Off))
	s := store(t, f)
	data := must(s.Screenshot(t.Context(), "m"))(t)
	picture := must(png.Decode(bytes.NewReader(data)))(t)
	if r, g, b, _ := picture.At(0, 1).RGBA(); picture.Bounds().Dy() != 2 || r>>8 != 'd' || g>>8 != 'e' || b>>8 != 'f' {
		t.Errorf("%v", picture)
	}
	_, err := s.Screenshot(t.Context(), "off")
	refused(t, err, fusion.ErrInvalid)
	_, err = s.Screenshot(t.Context(), fusion.Self)
	refused(t, err, fusion.ErrUnsupported)
	if s.Screenshots() != 1 {
		t.Errorf("%d counted", s.Screenshots())
	}
}

func qcow2(backing, incompatible uint64) []byte {
	b := make([]byte, 112)
	copy(b, "QFI\xfb")
	binary.BigEndian.PutUint32(b[4:], 3)
	binary.BigEndian.PutUint64(b[8:], backing)
	binary.BigEndian.PutUint64(b[24:], 64<<20)
	binary.BigEndian.PutUint64(b[72:], incompatible)
	return b
}
