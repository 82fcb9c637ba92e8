package hosttest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"hither/fusion"
)

// cloned makes a clone that the test removes in the end.
func (s *suite) cloned(t *testing.T, of string, spec fusion.CloneSpec) fusion.Machine {
	t.Helper()
	spec.Name = fresh("clone")
	t.Cleanup(func() { s.discard(t, spec.Name) })
	m, err := s.host.Copies().Clone(s.ctx(t), of, spec)
	must(t, "clone", err)
	return m
}

// alike checks that a machine is what its origin is, and another.
func alike(t *testing.T, got, origin fusion.Machine) {
	t.Helper()
	if got.UUID == origin.UUID || got.Name == origin.Name || got.CPUs != origin.CPUs || got.MemoryBytes != origin.MemoryBytes ||
		len(got.Disks) != len(origin.Disks) {
		t.Fatalf("made %+v of %+v", got, origin)
	}
	for i, d := range got.Disks {
		if d.TotalBytes != origin.Disks[i].TotalBytes {
			t.Errorf("disk %s has %d bytes, its origin %d", d.Name, d.TotalBytes, origin.Disks[i].TotalBytes)
		}
	}
}

func (s *suite) testClones(t *testing.T) {
	machines, copies := s.host.Machines(), s.host.Copies()
	m := s.create(t, fusion.MachineSpec{DiskBytes: 16 << 20, CPUs: 1})
	full := s.cloned(t, m.Name, fusion.CloneSpec{Start: true})
	alike(t, full, m)
	s.until(t, full.Name, fusion.Running)
	_, err := copies.Clone(s.ctx(t), full.Name, fusion.CloneSpec{Name: fresh("clone")})
	refused(t, "clone of a running one", err, fusion.ErrInvalid)

	linked := s.cloned(t, m.Name, fusion.CloneSpec{Mode: fusion.CloneLinked})
	alike(t, linked, m)
	second := s.cloned(t, m.Name, fusion.CloneSpec{Mode: fusion.CloneLinked})
	alike(t, second, m)
	refused(t, "remove a base", machines.Remove(s.ctx(t), m.Name), fusion.ErrBusy)
	for _, one := range []string{m.Name, linked.Name, second.Name} {
		must(t, "start "+one, machines.Do(s.ctx(t), one, fusion.Start))
		s.until(t, one, fusion.Running)
		must(t, "force off", machines.Do(s.ctx(t), one, fusion.ForceOff))
		s.until(t, one, fusion.Off)
	}
	s.refuseClones(t, m.Name)
	must(t, "remove a clone", machines.Remove(s.ctx(t), linked.Name))
	refused(t, "remove a base still", machines.Remove(s.ctx(t), m.Name), fusion.ErrBusy)
	must(t, "remove the other", machines.Remove(s.ctx(t), second.Name))
	must(t, "remove what was a base", machines.Remove(s.ctx(t), m.Name))
}

func (s *suite) refuseClones(t *testing.T, of string) {
	t.Helper()
	copies := s.host.Copies()
	clone := func(of string, spec fusion.CloneSpec) error {
		_, err := copies.Clone(s.ctx(t), of, spec)
		return err
	}
	for _, bad := range badNames {
		refused(t, "name "+bad, clone(of, fusion.CloneSpec{Name: bad}), fusion.ErrInvalid)
	}
	refused(t, "its own name", clone(of, fusion.CloneSpec{Name: of}), fusion.ErrExists)
	refused(t, "a mode", clone(of, fusion.CloneSpec{Name: fresh("clone"), Mode: "half"}), fusion.ErrInvalid)
	refused(t, "of self", clone(fusion.Self, fusion.CloneSpec{Name: fresh("clone")}), fusion.ErrUnsupported)
	refused(t, "of none", clone(fresh("none"), fusion.CloneSpec{Name: fresh("clone")}), fusion.ErrNotFound)
}

func (s *suite) testTemplates(t *testing.T) {
	machines, copies := s.host.Machines(), s.host.Copies()
	m := s.create(t, fusion.MachineSpec{DiskBytes: 16 << 20})
	made, err := copies.SetTemplate(s.ctx(t), m.Name, true)
	must(t, "template", err)
	if !made.Template || len(made.Verbs) != 0 {
		t.Errorf("the template is %+v", made)
	}
	refused(t, "start a template", machines.Do(s.ctx(t), m.Name, fusion.Start), fusion.ErrInvalid)
	_, err = copies.SetTemplate(s.ctx(t), m.Name, true)
	must(t, "template again", err)
	c := s.cloned(t, m.Name, fusion.CloneSpec{Start: true})
	alike(t, c, m)
	if c.Template {
		t.Error("the clone is a template")
	}
	s.until(t, c.Name, fusion.Running)
	refused(t, "remove a template in use", machines.Remove(s.ctx(t), m.Name), fusion.ErrBusy)
	_, err = copies.SetTemplate(s.ctx(t), m.Name, false)
	refused(t, "no template while in use", err, fusion.ErrBusy)
	_, err = copies.SetTemplate(s.ctx(t), c.Name, true)
	refused(t, "a running template", err, fusion.ErrInvalid)
	must(t, "force off", machines.Do(s.ctx(t), c.Name, fusion.ForceOff))
	s.until(t, c.Name, fusion.Off)
	must(t, "remove the clone", machines.Remove(s.ctx(t), c.Name))
	back, err := copies.SetTemplate(s.ctx(t), m.Name, false)
	must(t, "no template", err)
	if back.Template {
		t.Errorf("still a template: %+v", back)
	}
	must(t, "start", machines.Do(s.ctx(t), m.Name, fusion.Start))
	s.until(t, m.Name, fusion.Running)
	_, err = copies.SetTemplate(s.ctx(t), fusion.Self, true)
	refused(t, "self", err, fusion.ErrUnsupported)
	_, err = copies.SetTemplate(s.ctx(t), fresh("none"), true)
	refused(t, "none", err, fusion.ErrNotFound)
}

// testExport brings a machine into a file and back, in both formats.
func (s *suite) testExport(t *testing.T) {
	copies := s.host.Copies()
	m := s.create(t, fusion.MachineSpec{DiskBytes: 16 << 20, CPUs: 1})
	for _, format := range []fusion.ExportFormat{fusion.Bundle, fusion.OVA} {
		e, err := copies.Export(s.ctx(t), m.Name, format)
		must(t, "export", err)
		file := readAll(t, s, e, 0)
		if e.Name() == "" || int64(len(file)) != e.Size() {
			t.Fatalf("%q has %d bytes, %d came", e.Name(), e.Size(), len(file))
		}
		if half := readAll(t, s, e, e.Size()/2); !bytes.Equal(half, file[e.Size()/2:]) {
			t.Errorf("%s: the second half is another", format)
		}
		must(t, "close", e.Close())
		name := fresh("import")
		t.Cleanup(func() { s.discard(t, name) })
		got, err := copies.Import(s.ctx(t), fusion.ImportSpec{Name: name}, int64(len(file)), bytes.NewReader(file))
		must(t, "import", err)
		alike(t, got, m)
		s.refuseImports(t, name, file)
	}
	s.refuseDeploys(t, m.Name)
	_, err := copies.Export(s.ctx(t), m.Name, "zip")
	refused(t, "a format", err, fusion.ErrInvalid)
	_, err = copies.Export(s.ctx(t), fusion.Self, fusion.OVA)
	refused(t, "self", err, fusion.ErrUnsupported)
	_, err = copies.Export(s.ctx(t), fresh("none"), fusion.OVA)
	refused(t, "none", err, fusion.ErrNotFound)
}

func readAll(t *testing.T, s *suite, e fusion.Exported, offset int64) []byte {
	t.Helper()
	r, err := e.Open(s.ctx(t), offset)
	must(t, "open", err)
	data, err := io.ReadAll(r)
	must(t, "read", errors.Join(err, r.Close()))
	return data
}

// refuseImports tries what must leave nothing: the same name goes on to be free.
func (s *suite) refuseImports(t *testing.T, taken string, file []byte) {
	t.Helper()
	copies, name := s.host.Copies(), fresh("import")
	take := func(name string, size int64, r io.Reader) error {
		_, err := copies.Import(s.ctx(t), fusion.ImportSpec{Name: name}, size, r)
		return err
	}
	whole := func() io.Reader { return bytes.NewReader(file) }
	refused(t, "the name again", take(taken, int64(len(file)), whole()), fusion.ErrExists)
	refused(t, "a bad name", take("a b", int64(len(file)), whole()), fusion.ErrInvalid)
	if err := take(name, int64(len(file)), bytes.NewReader(file[:len(file)/2])); err == nil {
		t.Error("half a file was taken")
	}
	broken := io.MultiReader(bytes.NewReader(file[:len(file)/2]), iotest.ErrReader(errors.New("the line broke")))
	if err := take(name, -1, broken); err == nil {
		t.Error("a broken file was taken")
	}
	nonsense := bytes.Repeat([]byte("hither"), 1000)
	s.eventually(t, "the name is free again", func() bool { // the host hears a little later than we do that the line broke
		err := take(name, int64(len(nonsense)), bytes.NewReader(nonsense))
		return !errors.Is(err, fusion.ErrExists) && !errors.Is(err, fusion.ErrBusy)
	})
	refused(t, "nonsense", take(name, int64(len(nonsense)), bytes.NewReader(nonsense)), fusion.ErrInvalid)
	_, err := s.host.Machines().Get(s.ctx(t), name)
	refused(t, "what is left", err, fusion.ErrNotFound)
}

// refuseDeploys checks what is refused; deploying needs several hosts.
func (s *suite) refuseDeploys(t *testing.T, machine string) {
	t.Helper()
	nobody := []fusion.HostID{"nobody"}
	for what, c := range map[string]struct {
		machine string
		spec    fusion.DeploySpec
		cause   error
	}{
		"self":        {fusion.Self, fusion.DeploySpec{To: nobody}, fusion.ErrUnsupported},
		"none":        {fresh("none"), fusion.DeploySpec{To: nobody}, fusion.ErrNotFound},
		"nobody":      {machine, fusion.DeploySpec{To: nobody}, fusion.ErrNotFound},
		"nowhere":     {machine, fusion.DeploySpec{}, fusion.ErrInvalid},
		"twice":       {machine, fusion.DeploySpec{To: append(nobody, nobody...)}, fusion.ErrInvalid},
		"less":        {machine, fusion.DeploySpec{To: nobody, Count: -1}, fusion.ErrInvalid},
		"many":        {machine, fusion.DeploySpec{To: nobody, Count: 1000}, fusion.ErrInvalid},
		"a bad name":  {machine, fusion.DeploySpec{To: nobody, Prefix: "../x"}, fusion.ErrInvalid},
		"a long name": {machine, fusion.DeploySpec{To: nobody, Prefix: strings.Repeat("x", 60)}, fusion.ErrInvalid},
	} {
		_, err := s.host.Copies().Deploy(s.ctx(t), c.machine, c.spec)
		refused(t, what, err, c.cause)
	}
}
