package peers

import (
	"errors"
	"testing"
	"time"

	"hither/fusion"
)

// TestInvite: a code that a computer is given instead of a person stands beside the one
// that is announced, gives nothing, and is open again after a restart.
func TestInvite(t *testing.T) {
	config := testConfig(t, "nas")
	a, b, c := openTest(t, config), openTest(t, testConfig(t, "new")), openTest(t, testConfig(t, "laptop"))
	until := time.Now().Add(time.Hour)
	invited, err := a.Invite(testContext(t), "", nil, until)
	if err != nil {
		t.Fatal(err)
	}
	read, err := a.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(invited.Close(), read.Close()); err != nil {
		t.Fatal(err)
	}
	again, err := a.Invite(testContext(t), invited.Code, nil, until)
	if err != nil || again.Code != invited.Code {
		t.Fatalf("%+v, %v", again, err)
	}
	if read, err = a.Offer(testContext(t), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Join(testContext(t), again.Code, read.Addr, nil); err != nil {
		t.Fatal(err)
	}
	if p, err := again.Wait(testContext(t)); err != nil || p.Name != "new" || len(p.Grants) != 0 {
		t.Errorf("it is %+v, %v", p, err)
	}
	if g, paired := a.Grants(b.ID()); !paired || len(g) != 0 {
		t.Errorf("it may %v here, paired %v", g, paired)
	}
	if g, _ := b.Grants(a.ID()); !fusion.Allows(g, fusion.AdminCap) {
		t.Errorf("this may %v there", g)
	}
	if _, err := c.Join(testContext(t), read.Code, read.Addr, nil); err != nil {
		t.Errorf("the code that was read aloud: %v", err)
	}
	if _, err := c.Join(testContext(t), again.Code, read.Addr, nil); !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("twice: %v", err)
	}
}

func TestInviteEnds(t *testing.T) {
	a := openTest(t, testConfig(t, "nas"))
	o, err := a.Invite(testContext(t), "", nil, time.Now().Add(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Wait(testContext(t)); !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("it ended with %v", err)
	}
	if o, err = a.Invite(testContext(t), "", nil, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Wait(testContext(t)); !errors.Is(err, fusion.ErrOffline) {
		t.Errorf("a network that closes: %v", err)
	}
}
