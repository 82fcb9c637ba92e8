package computer

import "testing"

func TestMounts(t *testing.T) {
	const info = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
24 22 254:0 /var /a/longer/one rw - ext4 /dev/vda rw
25 22 254:16 / /mnt/my\040disk rw master:1 - xfs /dev/vdb rw
26 22 0:40 / /mnt/nas rw - nfs4 nas:/x rw
27 22 0:41 / /run/user/0/doc rw - fuse.portal portal rw
broken line
`
	got := mounts(info)
	if len(got) != 2 || got[0].point != "/" || got[1].point != "/mnt/my disk" {
		t.Errorf("%+v", got)
	}
}

func TestCounters(t *testing.T) {
	if s := cpuSeconds([]byte("cpu  100 100 100 9999 9999 100 100 100 50 0\ncpu0 1 1 1 1 1 1 1 1\n")); s != 6 {
		t.Errorf("%v CPU seconds", s)
	}
	r, w := diskBytes([]byte("254 0 vda 1 0 2 0 1 0 4 0\n7 0 loop0 1 0 2 0 1 0 4 0\n"), func(name string) bool { return name == "vda" })
	if r != 1024 || w != 2048 {
		t.Errorf("disk: %d, %d", r, w)
	}
	in, out := netBytes([]byte("Inter-| x\n face |bytes\n    lo: 5 0 0 0 0 0 0 0 5 0\n  eth0:100 0 0 0 0 0 0 0 200 0\n"))
	if in != 100 || out != 200 {
		t.Errorf("net: %d, %d", in, out)
	}
}

func TestSelf(t *testing.T) {
	m, s := Machine(), Stats()
	if m.OS == "" || m.Started.IsZero() || m.MemoryBytes <= 0 || len(m.Disks) == 0 || m.Disks[0].TotalBytes <= 0 {
		t.Errorf("%+v", m)
	}
	if s.CPUSeconds <= 0 || s.MemoryUsedBytes <= 0 || s.MemoryUsedBytes > s.MemoryBytes {
		t.Errorf("%+v", s)
	}
}
