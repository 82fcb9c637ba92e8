package peers

import (
	"slices"
	"testing"

	"hither/fusion"
)

func TestPair(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	o, err := a.Offer(testContext(t), fusion.Whole(fusion.ViewCap, fusion.AppsCap))
	if err != nil {
		t.Fatal(err)
	}
	atB, err := b.Join(testContext(t), o.Code, o.Addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	atA, err := o.Wait(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if atB.Name != "nas" || atA.Name != "laptop" || atB.Fingerprint != a.Fingerprint() || atA.Fingerprint != b.Fingerprint() {
		t.Errorf("a sees %+v, b sees %+v", atA, atB)
	}
	if g, ok := a.Grants(b.ID()); !ok || !slices.Equal(g, fusion.Whole(fusion.ViewCap, fusion.AppsCap)) {
		t.Errorf("a grants %v %v", g, ok)
	}
	if g, ok := b.Grants(a.ID()); !ok || !slices.Equal(g, fusion.Whole(fusion.AdminCap)) {
		t.Errorf("b grants %v %v", g, ok)
	}
	until(t, "both online", func() bool { return online(a, b.ID())() && online(b, a.ID())() })
}
