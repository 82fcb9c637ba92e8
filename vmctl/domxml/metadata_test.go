package domxml

import "testing"

// TestATemplatesDisksAreFrozen where QEMU can: on SATA and IDE a machine that is
// read-only could not be defined at all.
func TestATemplatesDisksAreFrozen(t *testing.T) {
	root, err := Parse(`<domain><devices>
		<disk type="file" device="disk"><target dev="vda" bus="virtio"/></disk>
		<disk type="file" device="disk"><target dev="sda" bus="sata"/></disk>
		<disk type="file" device="disk"><target dev="hda" bus="ide"/></disk>
		<disk type="file" device="cdrom"><target dev="sdb" bus="sata"/></disk>
	</devices></domain>`)
	if err != nil {
		t.Fatal(err)
	}
	ours := &Ours{}
	frozen := func() (names string) {
		for _, disk := range root.All("devices", "disk") {
			if disk.One("readonly") != nil {
				names += disk.One("target").Attr("dev")
			}
		}
		return names
	}
	MarkTemplate(root, ours, true)
	if frozen() != "vda" || ours.Template == nil {
		t.Errorf("a template has %q frozen", frozen())
	}
	MarkTemplate(root, ours, false)
	if frozen() != "" || ours.Template != nil {
		t.Errorf("a machine again has %q frozen", frozen())
	}
}
