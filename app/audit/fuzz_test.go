package audit

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzLog reads a file of the log that somebody wrote.
func FuzzLog(f *testing.F) {
	f.Add([]byte(`{"hither":"audit","version":1,"first":1,"prev":""}` + "\n" + `{"seq":1}` + "\n"))
	f.Add([]byte("\n\n\n"))
	f.Add([]byte(`{"hither":"audit"`))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := segmentPath(t.TempDir(), 1)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		records := 0
		s, err := scan(path, func(Record) error { records++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		if s.good+s.cut != int64(len(b)) {
			t.Errorf("%d and %d of %d bytes", s.good, s.cut, len(b))
		}
		if records > 0 && s.bad == 0 && filepath.Base(path) != filepath.Base(segmentPath("", s.last.Seq-uint64(records)+1)) {
			t.Errorf("%d records end with %d", records, s.last.Seq)
		}
	})
}
