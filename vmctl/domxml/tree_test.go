package domxml

import (
	"strings"
	"testing"

	"hither/internal/expect"
)

// elsewhere is a definition that has what no struct knows.
const elsewhere = `<?xml version='1.0'?><domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>m &amp; n</name> <!-- made by hand -->
  <os><type arch='x86_64'>hvm</type><boot dev='hd'/></os>
  <metadata><x:os xmlns:x="http://libosinfo.org" id="debian"/></metadata>
  <devices><disk type='file'><source file='/p/a.qcow2'/><target dev='vda'/></disk><disk type='file'><target dev='vdb'/></disk></devices>
  <qemu:commandline><qemu:arg value='-x'/></qemu:commandline>
</domain>`

// TestEditsLeaveTheRest: what nobody changes stays as it is written, to the byte.
func TestEditsLeaveTheRest(t *testing.T) {
	root := expect.Must(Parse(elsewhere))(t)
	second := root.All("devices", "disk")[1]
	got := Apply(elsewhere, second.Cut(), root.One("devices").Put("<rng/>"), root.One("name").Open("<name x='1'>"))
	want := strings.NewReplacer("<disk type='file'><target dev='vdb'/></disk>", "<rng/>", "<name>", "<name x='1'>").Replace(elsewhere)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if root.One("nothing").Attr("x") != "" || root.One("os", "type").Attr("arch") != "x86_64" || root.One("metadata", "x:os") == nil {
		t.Error("elements are not found by their names")
	}
	for _, bad := range []string{"", "text", "<a>", "<a></b>", strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1)} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%.20q was read", bad)
		}
	}
}

func FuzzTree(f *testing.F) {
	f.Add(elsewhere)
	f.Add(`<a b="&lt;"><c/>x</a>`)
	f.Fuzz(func(t *testing.T, text string) {
		root, err := Parse(text)
		if err != nil {
			return
		}
		once := root.String()
		again, err := Parse(once)
		if err != nil {
			return // a name that no reader takes
		}
		if again.String() != once {
			t.Errorf("%q became %q", once, again.String())
		}
	})
}
