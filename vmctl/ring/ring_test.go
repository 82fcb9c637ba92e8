package ring

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

const day = int64(20_000 * Slots) // a midnight

func sample(second int64) Sample {
	s := Sample{Second: second}
	for i := range s.Values {
		s.Values[i] = float32(second%1000) + float32(i)
	}
	return s
}

func seconds(t *testing.T, path string, from, to int64) []int64 {
	t.Helper()
	var got []int64
	err := Read(path, from, to, func(s Sample) {
		if s != sample(s.Second) {
			t.Errorf("%+v is not what was written", s)
		}
		got = append(got, s.Second)
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func write(t *testing.T, path string, at ...int64) {
	t.Helper()
	var all []Sample
	for _, second := range at {
		all = append(all, sample(second))
	}
	if err := Append(path, all); err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, got []int64, want ...int64) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestGapsWrapAndOverwriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.ring")
	is(t, seconds(t, path, 0, day))
	write(t, path, day-2, day-1, day, day+1, day+5)
	is(t, seconds(t, path, day-10, day+10), day-2, day-1, day, day+1, day+5)
	is(t, seconds(t, path, day-1, day+1), day-1, day)
	write(t, path, day+Slots+1, day+Slots+2)
	// The place of day+1 has another day's now; what is older than a day is not given.
	is(t, seconds(t, path, day-10, day+10), day-2, day-1, day, day+5)
	is(t, seconds(t, path, 0, day+Slots+3), day+5, day+Slots+1, day+Slots+2)
	info, err := os.Stat(path)
	if err != nil || info.Size() != headerSize+Slots*recordSize {
		t.Errorf("a file that was written to its end has %d bytes, %v", info.Size(), err)
	}
}

func TestUnknownValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.ring")
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	if err := Append(path, []Sample{{Second: day, Values: [Quantities]float32{nan, 1, -1, inf, 0, 5}}}); err != nil {
		t.Fatal(err)
	}
	known := ""
	if err := Read(path, day, day+1, func(s Sample) {
		for _, v := range s.Values {
			known += fmt.Sprint(v == v)
		}
	}); err != nil || known != "falsetruefalsefalsetruetrue" {
		t.Errorf("%s, %v", known, err)
	}
}

func TestBrokenFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.ring")
	write(t, path, day, day+1, day+2)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[place(day+1)+9] ^= 1
	for name, tc := range map[string]struct {
		file []byte
		want []int64
	}{
		"a flipped bit":       {flipped, []int64{day, day + 2}},
		"a torn last record":  {whole[:len(whole)-7], []int64{day, day + 1}},
		"a torn header":       {whole[:20], nil},
		"nothing":             {nil, nil},
		"no file of ours":     {bytes.Repeat([]byte("x"), 4096), nil},
		"of another version":  {append(append([]byte{}, whole[:8]...), append([]byte{2}, whole[9:]...)...), nil},
		"zeros over a record": {append(append([]byte{}, whole[:place(day+2)]...), make([]byte, recordSize)...), []int64{day, day + 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, tc.file, 0o600); err != nil {
				t.Fatal(err)
			}
			is(t, seconds(t, path, day, day+100), tc.want...)
			write(t, path, day+50)
			is(t, seconds(t, path, day, day+100), append(tc.want, day+50)...)
		})
	}
}

// TestHelperWrites is no test of its own: TestKilledWriter runs it and kills it.
func TestHelperWrites(t *testing.T) {
	path := os.Getenv("RING_TEST_PATH")
	if path == "" {
		return
	}
	fmt.Println("writing")
	for second := day; ; second += 3 {
		write(t, path, second, second+1, second+2)
	}
}

func TestKilledWriter(t *testing.T) {
	for round := range 5 {
		path := filepath.Join(t.TempDir(), "m.ring")
		cmd := exec.Command(os.Args[0], "-test.run=^TestHelperWrites$")
		cmd.Env = append(os.Environ(), "RING_TEST_PATH="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, len("writing"))); err != nil {
			t.Fatal(err)
		}
		for len(seconds(t, path, day, day+Slots)) < 100*(round+1) {
			runtime.Gosched() // it is amid writing
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed is how it ends
		for i, second := range seconds(t, path, day, day+Slots) {
			if second != day+int64(i) {
				t.Fatalf("round %d: %d comes after %d", round, second, day+int64(i)-1)
			}
		}
		write(t, path, day+Slots-1)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(header(), day, day+10)
	whole := header()
	for i := range int64(4) {
		b := make([]byte, recordSize)
		encode(b, sample(day+i))
		whole = append(whole, b...)
	}
	f.Add(whole, day-5, day+5)
	f.Add(whole[:50], int64(-1), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, file []byte, from, to int64) {
		last := int64(-1)
		err := read(bytes.NewReader(file), from, to, func(s Sample) {
			if s.Second <= last || s.Second < from || s.Second >= to || s.Second < 0 {
				t.Errorf("second %d after %d, of %d to %d", s.Second, last, from, to)
			}
			last = s.Second
			for _, v := range s.Values {
				if v < 0 || math.IsInf(float64(v), 0) {
					t.Errorf("a value of %g", v)
				}
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
}
