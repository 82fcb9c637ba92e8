package domxml

import (
	"strings"
	"testing"
)

func TestPlug(t *testing.T) {
	const running = `<interface type='network'>
      <mac address='52:54:00:01:02:03'/>
      <source network='default' portid='f00d' bridge='virbr0'/>
      <virtualport type='openvswitch'><parameters interfaceid='a'/></virtualport>
      <target dev='vnet0'/>
      <model type='virtio'/>
      <driver name='vhost'><host csum='on'/></driver>
      <alias name='net0'/>
      <address type='pci' slot='0x01'/>
    </interface>`
	card, err := Parse(running)
	if err != nil {
		t.Fatal(err)
	}
	for want, plug := range map[string]Plug{
		`<interface type="network"><mac address="52:54:00:01:02:03"/><target dev="vnet0"/><model type="virtio"/><driver name="vhost"><host csum="on"/></driver>` +
			`<alias name="net0"/><address type="pci" slot="0x01"/><source network="lab"/></interface>`: {Network: "lab"},
		`<interface type="user"><mac address="52:54:00:0a:0b:0c"/><target dev="vnet0"/><model type="virtio"/><driver name="vhost"><host csum="on"/></driver>` +
			`<alias name="net0"/><address type="pci" slot="0x01"/></interface>`: {Network: "user", MAC: "52:54:00:0a:0b:0c"},
	} {
		if got, err := plug.Into(card); err != nil || got != want {
			t.Errorf("%+v: %v\n%s, want\n%s", plug, err, got, want)
		}
	}
	text, err := Plug{Network: "lab", OffloadNothing: true}.Into(card)
	if err != nil || !strings.Contains(text, `<driver name="vhost"><host csum="off"`) || strings.Count(text, "<host ") != 1 {
		t.Errorf("%v: %s", err, text)
	}
	there, err := Parse(text)
	if err != nil || !OffloadsNothing(there) || OffloadsNothing(card) {
		t.Errorf("%v: %s", err, text)
	}
	if same, err := (Plug{}).Into(card); err != nil || !strings.Contains(same, `portid="f00d"`) || !strings.Contains(same, "virtualport") {
		t.Errorf("%v: %s", err, same)
	}
}
