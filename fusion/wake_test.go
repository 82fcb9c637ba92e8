package fusion

import (
	"fmt"
	"testing"
)

func TestSoundCards(t *testing.T) {
	good := Card{Name: "eth0", MAC: "52:54:00:12:34:56", Nets: []string{"192.168.1.20/24"}, Wake: "on"}
	bad := []Card{
		{Name: "eth0", MAC: "ff:ff:ff:ff:ff:ff"}, // everybody
		{Name: "eth0", MAC: "01:00:5e:00:00:01"}, // a group
		{Name: "eth0", MAC: "52:54:00:12:34"},
		{Name: "ib0", MAC: "00:00:00:00:fe:80:00:00:00:00:00:00:02:00:5e:10:00:00:00:01"},
		{Name: "../x", MAC: "52:54:00:12:34:56"},
		{Name: "eth0"},
	}
	got := SoundCards(append(bad, good))
	if len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(good) {
		t.Errorf("got %+v", got)
	}
	odd := good
	odd.MAC, odd.Wake, odd.Nets = "52-54-00-AB-CD-EF", "perhaps", []string{"fe80::1/64", "10.0.0.1", "10.0.0.1/33", "10.0.0.1/8"}
	if got := SoundCards([]Card{odd})[0]; got.MAC != "52:54:00:ab:cd:ef" || got.Wake != "" || fmt.Sprint(got.Nets) != "[10.0.0.1/8]" {
		t.Errorf("got %+v", got)
	}
	many := make([]Card, 1000)
	for i := range many {
		many[i] = good
		many[i].Nets = make([]string, 0, 1000)
		for range 1000 {
			many[i].Nets = append(many[i].Nets, "10.0.0.1/8")
		}
	}
	if got := SoundCards(many); len(got) != maxCards || len(got[0].Nets) != maxNets {
		t.Errorf("%d cards with %d networks", len(got), len(got[0].Nets))
	}
	if SoundCards(nil) == nil {
		t.Error("no cards are null in JSON")
	}
}
