package hosttest

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
)

// bootable is a raw disk of size bytes that differs from every other.
func bootable(size int) []byte {
	disk := make([]byte, size)
	copy(disk, fresh("disk"))
	disk[510], disk[511] = 0x55, 0xaa
	return disk
}

// find gives an image of the pool.
func (s *suite) find(t *testing.T, name string) (fusion.Image, bool) {
	t.Helper()
	list, err := s.host.Images().List(s.ctx(t))
	must(t, "images", err)
	i := slices.IndexFunc(list, func(x fusion.Image) bool { return x.Name == name })
	if i < 0 {
		return fusion.Image{}, false
	}
	return list[i], true
}

// upload puts an image into the pool, which the test removes in the end.
func (s *suite) upload(t *testing.T, data []byte) string {
	t.Helper()
	name := fresh("image")
	must(t, "upload", s.host.Machines().Upload(s.ctx(t), name, int64(len(data)), bytes.NewReader(data)))
	return name
}

// testImages takes an image through its life in the pool.
func (s *suite) testImages(t *testing.T) {
	images := s.host.Images()
	data := bootable(1 << 20)
	name := s.upload(t, data)
	image, there := s.find(t, name)
	if !there || image.Format != fusion.Raw || image.Bytes != int64(len(data)) || image.DiskBytes != image.Bytes || image.Sum != sumOf(data) || len(image.UsedBy) != 0 {
		t.Fatalf("uploaded: %+v", image)
	}
	for _, from := range []int64{0, 1, 1000, int64(len(data))} {
		got, err := images.Read(s.ctx(t), image.Sum, from)
		must(t, "read", err)
		rest, err := io.ReadAll(got)
		must(t, "read all", err)
		if !bytes.Equal(rest, data[from:]) || got.Size != int64(len(data)) {
			t.Errorf("from %d came %d bytes of %d", from, len(rest), got.Size)
		}
		must(t, "close", got.Close())
	}
	_, err := images.Read(s.ctx(t), image.Sum, int64(len(data))+1)
	refused(t, "behind the end", err, fusion.ErrInvalid)
	_, err = images.Read(s.ctx(t), "sha256:"+strings.Repeat("0", 64), 0)
	refused(t, "no such sum", err, fusion.ErrNotFound)
	for _, sum := range []string{"", "md5:0", "sha256:" + strings.Repeat("Z", 64), "../" + name} {
		_, err = images.Read(s.ctx(t), sum, 0)
		refused(t, "sum "+sum, err, fusion.ErrInvalid, fusion.ErrNotFound)
	}
	machine := s.create(t, fusion.MachineSpec{ISO: name}).Name
	if image, _ := s.find(t, name); !slices.Equal(image.UsedBy, []string{machine}) {
		t.Errorf("in a drive: %+v", image)
	}
	refused(t, "remove one in use", images.Remove(s.ctx(t), name), fusion.ErrBusy)
	must(t, "remove the machine", s.host.Machines().Remove(s.ctx(t), machine))
	must(t, "remove", images.Remove(s.ctx(t), name))
	if image, there := s.find(t, name); there {
		t.Errorf("after it was removed: %+v", image)
	}
	refused(t, "remove again", images.Remove(s.ctx(t), name), fusion.ErrNotFound)
	for _, name := range badNames {
		refused(t, "remove "+name, images.Remove(s.ctx(t), name), fusion.ErrInvalid, fusion.ErrNotFound)
	}
}

// testCatalogue checks that what is offered can be asked for, and what is not is
// refused before anything is asked.
func (s *suite) testCatalogue(t *testing.T) {
	images := s.host.Images()
	list, err := images.Catalogue(s.ctx(t))
	must(t, "catalogue", err)
	if len(list) == 0 {
		t.Fatal("it is empty")
	}
	seen := map[string]bool{}
	for _, image := range list {
		if seen[image.Name] || image.Title == "" || image.Arch == "" || image.Format == "" || (fusion.FetchSpec{From: image.URL, Name: image.Name, Sum: image.Sum}).Check() != nil {
			t.Errorf("%+v", image)
		}
		seen[image.Name] = true
	}
	_, err = images.Fetch(s.ctx(t), fusion.FetchSpec{From: fresh("none")})
	refused(t, "no such image", err, fusion.ErrNotFound)
	for what, spec := range map[string]fusion.FetchSpec{
		"a file":     {From: "file:///etc/passwd", Name: "x"},
		"no host":    {From: "https:///x.img"},
		"a password": {From: "https://me:word@example.org/x.img"},
		"no name":    {From: "https://example.org/"},
		"a bad name": {From: "https://example.org/x.img", Name: "../x"},
		"a bad sum":  {From: list[0].Name, Sum: "sha256:1"},
	} {
		_, err := images.Fetch(s.ctx(t), spec)
		refused(t, what, err, fusion.ErrInvalid)
	}
}

// testSeed makes machines of an image.
func (s *suite) testSeed(t *testing.T) {
	machines := s.host.Machines()
	name := s.upload(t, bootable(4<<20))
	m := s.create(t, fusion.MachineSpec{Image: name, DiskBytes: 8 << 20, Seed: &fusion.Seed{User: "anna", Password: "geheim", Packages: []string{"vim"},
		SSHKeys: []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKj7Zk anna: \"home\""}}})
	if len(m.Disks) != 1 || m.Disks[0].TotalBytes != 8<<20 {
		t.Errorf("grown to 8 MiB: %+v", m.Disks)
	}
	must(t, "remove", machines.Remove(s.ctx(t), m.Name))
	_, err := machines.Create(s.ctx(t), fusion.MachineSpec{Name: fresh("vm"), MemoryBytes: 64 << 20, Image: name, DiskBytes: 2 << 20})
	refused(t, "smaller than the image", err, fusion.ErrInvalid)
	for what, seed := range map[string]fusion.Seed{
		"user":     {User: "Anna Maria"},
		"root":     {User: "root"},
		"key":      {SSHKeys: []string{"-----BEGIN OPENSSH PRIVATE KEY-----"}},
		"two keys": {SSHKeys: []string{"ssh-ed25519 AAAA\nrunmeat"}},
		"password": {Password: "a\nb"},
		"hostname": {Hostname: "a.b: c"},
		"package":  {Packages: []string{"--root=/"}},
	} {
		vm := fresh("vm")
		_, err := machines.Create(s.ctx(t), fusion.MachineSpec{Name: vm, MemoryBytes: 64 << 20, Image: name, Seed: &seed})
		refused(t, what, err, fusion.ErrInvalid)
		_, err = machines.Get(s.ctx(t), vm)
		refused(t, what+" left", err, fusion.ErrNotFound)
	}
	s.refuseSpreads(t, name)
	must(t, "remove the image", s.host.Images().Remove(s.ctx(t), name))
}

// refuseSpreads checks what is refused; deploying needs several hosts.
func (s *suite) refuseSpreads(t *testing.T, image string) {
	t.Helper()
	one, two := []fusion.HostID{"nobody"}, []fusion.HostID{"nobody", "no one"}
	for what, c := range map[string]struct {
		image string
		of    fusion.MachineSpec
		spec  fusion.DeploySpec
		cause error
	}{
		"none":        {fresh("none"), fusion.MachineSpec{}, fusion.DeploySpec{To: one}, fusion.ErrNotFound},
		"an address":  {"https://example.org/x.img", fusion.MachineSpec{}, fusion.DeploySpec{To: one}, fusion.ErrNotFound},
		"nobody":      {image, fusion.MachineSpec{}, fusion.DeploySpec{To: one}, fusion.ErrNotFound},
		"nowhere":     {image, fusion.MachineSpec{}, fusion.DeploySpec{}, fusion.ErrInvalid},
		"a bad name":  {image, fusion.MachineSpec{}, fusion.DeploySpec{To: one, Prefix: "../x"}, fusion.ErrInvalid},
		"one name":    {image, fusion.MachineSpec{Seed: &fusion.Seed{Hostname: "web"}}, fusion.DeploySpec{To: two}, fusion.ErrInvalid},
		"one address": {image, fusion.MachineSpec{Seed: &fusion.Seed{Addresses: []string{"192.0.2.5/24"}}}, fusion.DeploySpec{To: one, Count: 2}, fusion.ErrInvalid},
		"a bad user":  {image, fusion.MachineSpec{Seed: &fusion.Seed{User: "root"}}, fusion.DeploySpec{To: one}, fusion.ErrInvalid},
	} {
		_, err := s.host.Copies().DeployImage(s.ctx(t), c.image, c.of, c.spec)
		refused(t, what, err, c.cause)
	}
}
