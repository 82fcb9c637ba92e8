package wol

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestCards(t *testing.T) {
	root := t.TempDir()
	put := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	card := func(name, mac, wakeup string) {
		put(name+"/type", "1")
		put(name+"/address", mac)
		put(name+"/device/power/wakeup", wakeup)
	}
	card("enp1s0", "52:54:00:00:00:01", "enabled")
	card("enp2s0", "52:54:00:00:00:02", "disabled")
	card("enp3s0", "52:54:00:00:00:03", "")
	card("wlan0", "52:54:00:00:00:04", "enabled")
	put("wlan0/phy80211/index", "0")
	card("ib0", "52:54:00:00:00:05", "enabled")
	put("ib0/type", "32")
	put("br0/type", "1") // no device of its own
	put("br0/address", "52:54:00:00:00:01")
	put("lo/type", "772")
	if err := os.Symlink("../br0", filepath.Join(root, "enp1s0/master")); err != nil {
		t.Fatal(err)
	}
	nets := func(name string) []string {
		return map[string][]string{"br0": {"192.168.1.20/24"}, "enp2s0": {"10.0.0.1/8"}}[name]
	}
	asked := func(name string) (string, bool) { return "on", name == "enp3s0" }
	got := fmt.Sprint(cards(root, nets, asked))
	want := "[{enp1s0 52:54:00:00:00:01 [192.168.1.20/24] on} {enp2s0 52:54:00:00:00:02 [10.0.0.1/8] off} {enp3s0 52:54:00:00:00:03 [] on}]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if list := cards(filepath.Join(root, "none"), nets, asked); list == nil || len(list) > 0 {
		t.Errorf("without sysfs: %v", list)
	}
}

// The real system answers, whatever it has.
func TestThisComputersCards(t *testing.T) {
	for _, card := range Cards() {
		if card.MAC == "" || card.Name == "" {
			t.Errorf("%+v", card)
		}
	}
	if wake, known := wakeOnLAN("none"); known {
		t.Errorf("a card that is not there is %q", wake)
	}
}
