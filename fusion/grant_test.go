package fusion

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

func TestGrantsAreRead(t *testing.T) {
	for text, want := range map[string]Grant{
		"view":               {Cap: ViewCap},
		"machines@web":       {Cap: MachinesCap, Object: "web"},
		"tunnel@web":         {Cap: TunnelCap, Object: "web"},
		"tunnel@self/80":     {Cap: TunnelCap, Object: "self/80"},
		"tunnel@10.0.0.5:80": {Cap: TunnelCap, Object: "10.0.0.5:80"},
		"tunnel@[fd00::1]:1": {Cap: TunnelCap, Object: "[fd00::1]:1"},
		"tunnel@db.lan:5432": {Cap: TunnelCap, Object: "db.lan:5432"},
		"apps@self/org.Maps": {Cap: AppsCap, Object: "self/org.Maps"},
		"view@web,until=2026-12-04T18:00:00+01:00": {Cap: ViewCap, Object: "web", Until: time.Date(2026, 12, 4, 17, 0, 0, 0, time.UTC)},
		"admin,until=2026-12-04T17:00:00.9Z":       {Cap: AdminCap, Until: time.Date(2026, 12, 4, 17, 0, 0, 0, time.UTC)},
	} {
		got, err := ParseGrant(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if again, err := ParseGrant(got.String()); err != nil || again != got {
			t.Errorf("%s: %s is read as %+v, %v", text, got, again, err)
		}
	}
	for text, cause := range map[string]error{
		"": ErrInvalid, "fly": ErrInvalid, "view@": ErrInvalid, "view@a/b/c": ErrInvalid, "view@../x": ErrInvalid, "view@*": ErrInvalid,
		"@web": ErrInvalid, "admin@web": ErrInvalid, "machines@web/maps": ErrInvalid, "files@a/b": ErrInvalid, "tunnel@:80": ErrInvalid, "tunnel@127.0.0.1:80": ErrInvalid, "tunnel@DB.lan:5432": ErrInvalid, "tunnel@web/http": ErrInvalid, "tunnel@web/80/x": ErrInvalid, "tunnel@web/0": ErrInvalid, "tunnel@0.0.0.0:1": ErrInvalid, "tunnel@": ErrInvalid,

		"mesh@x": ErrUnsupported, "view,until=8h": ErrInvalid, "view,until=": ErrInvalid, "view,": ErrInvalid,
		"view,until=2026-12-04T18:00:00Z,only=reading": ErrInvalid, "view,until=0001-01-01T00:00:00Z": ErrInvalid,
	} {
		if got, err := ParseGrant(text); !errors.Is(err, cause) || Hint(err) == "" {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// TestAGrantThatIsNotUnderstood grants nothing, and is kept.
func TestAGrantThatIsNotUnderstood(t *testing.T) {
	const text = `["view@web,only=reading","fly"]`
	var list []Grant
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	for _, c := range Capabilities {
		if AllowsOn(list, c, "web") {
			t.Errorf("it gives %s", c)
		}
	}
	if again, err := json.Marshal(list); err != nil || string(again) != text {
		t.Errorf("it became %s, %v", again, err)
	}
}

func TestWhatAGrantHoldsFor(t *testing.T) {
	for _, c := range []struct {
		grant, object   string
		covers, touches bool
	}{
		{"view", "web", true, true}, {"view", "", true, true}, {"view@web", "web", true, true}, {"view@web", "", false, true},
		{"view@web", "web/x", true, true}, {"view@web", "web2", false, false}, {"view@web/x", "web", false, true},
		{"view@web/x", "web/xy", false, false}, {"view@web", "db", false, false}, {"view@self", "web", false, false},
	} {
		g, err := ParseGrant(c.grant)
		if err != nil || g.Covers(c.object) != c.covers || g.Touches(c.object) != c.touches {
			t.Errorf("%s of %q: %v, %v, %v", c.grant, c.object, g.Covers(c.object), g.Touches(c.object), err)
		}
	}
	list := []Grant{{Cap: ControlCap, Object: "web"}, {Cap: AdminCap, Until: time.Now()}}
	if !AllowsOn(list, MachinesCap, "db") || Allows(list[:1], ControlCap) || AllowsOn(list[:1], ViewCap, "web") {
		t.Error("admin is everything, and control of one machine is that alone")
	}
	if now := time.Now(); !list[1].Ended(now) || (Grant{Cap: ViewCap}).Ended(now) {
		t.Error("a grant ends at its time, and one without a time does not")
	}
}

func FuzzGrant(f *testing.F) {
	f.Add("machines@web,until=2026-12-04T18:00:00Z")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ParseGrant(text)
		if err != nil {
			return
		}
		if again, err := ParseGrant(g.String()); err != nil || again != g {
			t.Errorf("%q is %+v, and then %+v, %v", text, g, again, err)
		}
	})
}
