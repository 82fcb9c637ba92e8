package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hither/fusion"
)

type failer interface {
	Helper()
	Fatal(...any)
}

func openLog(t failer, cfg Config) *Log {
	t.Helper()
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closed(t failer, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func verified(t failer, l *Log) Verdict {
	t.Helper()
	v, err := l.Verify(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func deed(i int) Record {
	return Record{What: "MachineService/Do", Object: fmt.Sprintf("web-%d", i), Detail: "start \"<\x00\u2028>\xff", Result: OK, Trace: "t"}
}

// TestChain: whatever is written, read, closed and opened again, over files: the chain
// holds, and what was read is what was written.
func TestChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "audit-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		l := openLog(t, Config{Dir: dir, MaxBytes: leastBytes})
		defer func() { closed(t, l) }()
		var want []Record
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				r := Record{What: rapid.String().Draw(t, "what"), Object: rapid.StringN(-1, 400, -1).Draw(t, "object"),
					Detail: rapid.StringN(-1, 600, -1).Draw(t, "detail"), Result: OK, In: rapid.Int64().Draw(t, "in")}
				if err := l.Record(r, rapid.Bool().Draw(t, "durable")); err != nil {
					t.Fatal(err)
				}
				want = append(want, r)
			},
			"reopen": func(t *rapid.T) {
				closed(t, l)
				l = openLog(t, Config{Dir: dir, MaxBytes: leastBytes})
			},
			"": func(t *rapid.T) {
				v := verified(t, l)
				if v.Bad != "" {
					t.Fatal(v.Bad)
				}
				list, _, from, err := l.Find(t.Context(), Query{})
				if err != nil {
					t.Fatal(err)
				}
				for i, r := range list {
					w := want[len(want)-len(list)+i]
					if r.In != w.In || r.Object != clip(w.Object) || r.Seq != uint64(len(want)-len(list)+i+1) {
						t.Fatalf("record %d is %+v, want %+v", i, r, w)
					}
				}
				if len(list) > 0 && from.Seq > list[0].Seq {
					t.Fatalf("complete from %d, and has %d", from.Seq, list[0].Seq)
				}
			},
		})
	})
}

// TestBounded: the oldest files go, the rest holds together, and it says from where.
func TestBounded(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, Config{Dir: dir, MaxBytes: leastBytes})
	defer closed(t, l)
	const n = 2000
	for i := range n {
		if err := l.Record(deed(i), false); err != nil {
			t.Fatal(err)
		}
	}
	var sum int64
	for _, s := range l.files() {
		info, err := os.Stat(s.path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatal(info, err)
		}
		sum += info.Size()
	}
	if sum > leastBytes || sum < leastBytes/2 {
		t.Errorf("%d bytes in %d files", sum, len(l.files()))
	}
	v := verified(t, l)
	if v.Bad != "" || v.Last.Seq != n || v.From.Seq < 2 || v.Records != int(n-v.From.Seq)+1 {
		t.Errorf("%+v", v)
	}
	_, _, from, err := l.Find(t.Context(), Query{Limit: 1})
	if err != nil || from.Seq != v.From.Seq {
		t.Errorf("it says it is complete from %+v, %v", from, err)
	}
}

// TestAChangedLineIsFound, and the log goes on all the same.
func TestAChangedLineIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		change func([]byte) []byte
		bad    string
	}{
		"a word":         {func(b []byte) []byte { return bytes.Replace(b, []byte("web-3"), []byte("web-4"), 1) }, "record 4"},
		"a line gone":    {func(b []byte) []byte { return dropLine(b, 4) }, "record 4"},
		"a line doubled": {func(b []byte) []byte { return append(append([]byte{}, b...), lastLine(b)...) }, "record 11"},
		"no record":      {func(b []byte) []byte { return append(append([]byte{}, b...), "what\n"...) }, "record 11"},
		"too long":       {func(b []byte) []byte { return append(append([]byte{}, b...), strings.Repeat("x", 3*maxLine)+"\n"...) }, "record 11"},
		"the header":     {func(b []byte) []byte { return bytes.Replace(b, []byte(`"prev":"00`), []byte(`"prev":"01`), 1) }, "record 1:"},
		"no header":      {func(b []byte) []byte { return bytes.Replace(b, []byte(`{"hither`), []byte(`["hither`), 1) }, "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := openLog(t, Config{Dir: dir})
			for i := range 10 {
				if err := l.Record(deed(i), false); err != nil {
					t.Fatal(err)
				}
			}
			closed(t, l)
			path := segmentPath(dir, 1)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.change(text), 0o600); err != nil {
				t.Fatal(err)
			}
			l = openLog(t, Config{Dir: dir})
			defer func() { closed(t, l) }()
			if err := l.Record(deed(10), true); err != nil {
				t.Fatal(err)
			}
			if v := verified(t, l); !strings.Contains(v.Bad, c.bad) {
				t.Errorf("found %q, want %q", v.Bad, c.bad)
			}
			list, _, _, err := l.Find(t.Context(), Query{Limit: 2})
			if err != nil || len(list) != 2 || list[0].What != Damaged || list[1].Object != "web-10" {
				t.Errorf("after it are %+v, %v", list, err)
			}
		})
	}
}

func dropLine(b []byte, n int) []byte {
	lines := bytes.SplitAfter(b, []byte("\n"))
	return bytes.Join(append(append([][]byte{}, lines[:n]...), lines[n+1:]...), nil)
}

func lastLine(b []byte) []byte {
	lines := bytes.SplitAfter(b, []byte("\n"))
	return lines[len(lines)-2]
}

// TestAFileGoneIsFound: one in the middle; the oldest going is how the log is bounded.
func TestAFileGoneIsFound(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, Config{Dir: dir, MaxBytes: leastBytes})
	defer closed(t, l)
	for i := range 100 {
		if err := l.Record(deed(i), false); err != nil {
			t.Fatal(err)
		}
	}
	all := l.files()
	if len(all) < 4 {
		t.Fatal(all)
	}
	if err := os.Remove(all[1].path); err != nil {
		t.Fatal(err)
	}
	closed(t, l)
	l = openLog(t, Config{Dir: dir, MaxBytes: leastBytes})
	defer closed(t, l)
	if v := verified(t, l); !strings.Contains(v.Bad, filepath.Base(all[2].path)+" line 1") {
		t.Errorf("found %q", v.Bad)
	}
}

// TestACutLineIsDropped at every byte, and said.
func TestACutLineIsDropped(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, Config{Dir: dir})
	for i := range 3 {
		if err := l.Record(deed(i), false); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, l)
	whole, err := os.ReadFile(segmentPath(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	for cut := range whole {
		other := t.TempDir()
		if err := os.WriteFile(segmentPath(other, 1), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		l := openLog(t, Config{Dir: other})
		v := verified(t, l)
		list, _, _, err := l.Find(t.Context(), Query{})
		closed(t, l)
		lines := bytes.Count(whole[:cut], []byte("\n"))
		atLine := cut == 0 || whole[cut-1] == '\n'
		said := len(list) > 0 && list[len(list)-1].What == Repaired
		if err != nil || v.Bad != "" || said != (lines > 0 && !atLine) || len(list) != max(lines-1, 0)+btoi(said) {
			t.Fatalf("cut at %d: %+v, %+v, %v", cut, v, list, err)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestAFloodIsCounted: of one computer, and of keys that are not paired.
func TestAFloodIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, Config{Dir: t.TempDir()})
		defer closed(t, l)
		const n = 5000
		for i := range n {
			refused := Record{Host: "guest", Name: "guest", What: fmt.Sprintf("S/M%d", i%100), Result: Refused}
			stranger := Record{Host: fusion.HostID(fmt.Sprint("key", i)), Stranger: true, What: "S/M", Result: Refused}
			done := Record{Host: "nas", Name: "nas", What: "MachineService/Do", Object: "web", Result: OK}
			for _, r := range []Record{refused, stranger, done} {
				if err := l.Record(r, r.Result == Refused); err != nil {
					t.Fatal(err)
				}
			}
			l.Look("nas", "nas")
		}
		time.Sleep(window + time.Second)
		list, _, _, err := l.Find(t.Context(), Query{})
		if err != nil || len(list) > mostDeeds+mostRefused+mostStrange+3*(mostKinds+1) {
			t.Fatal(len(list), err)
		}
		sums := map[string]int{}
		for _, r := range list {
			sums[string(r.Host)+" "+r.Result+" "+map[bool]string{true: "looks"}[r.What == Looks]] += max(r.Times, 1)
			if r.Stranger && r.Times > 0 && r.Host != "" {
				t.Errorf("%+v names one of many", r)
			}
		}
		for who, want := range map[string]int{"guest refused ": n, "nas ok ": n, "nas ok looks": n} {
			if sums[who] != want {
				t.Errorf("%s: %d, want %d", who, sums[who], want)
			}
		}
		// What needs admin is never counted only.
		for range 200 {
			if err := l.Record(Record{Host: "nas", Name: "nas", What: "MachineService/Migrate", Result: OK}, true); err != nil {
				t.Fatal(err)
			}
		}
		list, _, _, err = l.Find(t.Context(), Query{Limit: 200})
		if err != nil || len(list) != 200 || list[0].Times != 0 || list[0].What != "MachineService/Migrate" {
			t.Errorf("%d, %+v, %v", len(list), list[0], err)
		}
	})
}

func TestPagesAndFollow(t *testing.T) {
	l := openLog(t, Config{Dir: t.TempDir(), MaxBytes: leastBytes})
	defer closed(t, l)
	put := func(host fusion.HostID, n int) {
		for i := range n {
			r := deed(i)
			r.Host = host
			if err := l.Record(r, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	put("a", 25)
	put("b", 10)
	put("a", 25)
	var seqs []uint64
	for before := uint64(0); ; {
		list, more, _, err := l.Find(t.Context(), Query{Host: "a", Limit: 7, Before: before})
		if err != nil || len(list) > 7 {
			t.Fatal(list, err)
		}
		for i := len(list) - 1; i >= 0; i-- {
			seqs = append(seqs, list[i].Seq)
		}
		if !more {
			break
		}
		before = list[0].Seq
	}
	if len(seqs) != 50 || seqs[0] != 60 || seqs[49] != 1 || seqs[24] != 36 || seqs[25] != 25 {
		t.Errorf("paged through %v", seqs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	next := uint64(31)
	err := l.Follow(ctx, 30, func(r Record) error {
		if r.Seq != next {
			t.Errorf("heard %d, want %d", r.Seq, next)
		}
		if next++; r.Seq == 60 {
			put("c", 3)
		}
		if r.Seq == 63 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || next != 64 {
		t.Errorf("it ended at %d with %v", next, err)
	}
}

func TestSessions(t *testing.T) {
	l := openLog(t, Config{Dir: t.TempDir()})
	defer closed(t, l)
	var why error
	s := l.Open(Record{Host: "guest", Name: "guest", What: "/screen", Object: "web"}, true, func(err error) { why = err })
	other := l.Open(Record{Host: "nas", What: "/terminal", Object: "db"}, true, func(error) { t.Error("it was not meant") })
	s.Out.Add(5)
	live := l.Live()
	if len(live) != 2 || live[0].Object != "web" || live[0].Record.Out != 5 {
		t.Errorf("live is %+v", live)
	}
	if n := l.End("", "guest"); n != 1 || !errors.Is(why, fusion.ErrPermission) || fusion.Hint(why) == "" {
		t.Errorf("ended %d with %v", n, why)
	}
	s.Close(why)
	s.Close(nil)
	other.Close(nil)
	list, _, _, err := l.Find(t.Context(), Query{})
	var got []string
	for _, r := range list {
		got = append(got, fmt.Sprint(r.What, " ", r.Object, " ", r.Result, " ", r.Out))
	}
	if want := "/screen web opened 0; /terminal db opened 0; /screen web refused 5; /terminal db ended 0"; err != nil || strings.Join(got, "; ") != want {
		t.Errorf("the log has %q, %v", got, err)
	}
	if len(l.Live()) != 0 {
		t.Error("something stays open")
	}
}
