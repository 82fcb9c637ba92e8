package vmctl

import (
	"testing"

	"hither/fusion"
)

func TestCheckURI(t *testing.T) {
	for _, uri := range []string{"", "off", "private", "qemu:///system", "qemu:///session", "test:///default",
		"qemu+unix:///session?socket=/run/user/0/x", "qemu+ssh://root@host/system"} {
		ok(t, checkURI(uri))
	}
	for _, uri := range []string{"nonsense", "Private", "/run/libvirt/libvirt-sock", "qemu", ":///x", "qemu:system", "a b", "%zz"} {
		refused(t, checkURI(uri), fusion.ErrInvalid)
		if _, err := Open(t.Context(), Config{Dir: t.TempDir(), URI: uri}); err == nil {
			t.Errorf("%q was opened", uri)
		}
	}
}
