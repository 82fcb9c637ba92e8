package folder

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hither/fusion"
)

func TestPlaces(t *testing.T) {
	base := resolve(t.TempDir())
	in := func(parts ...string) string { return filepath.Join(append([]string{base}, parts...)...) }
	for _, dir := range []string{in("home", "pictures"), in("home", "node"), in("home", "folders"), in("other")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(in("file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(in("home", "pictures"), in("link")); err != nil {
		t.Fatal(err)
	}
	p := places{own: in("home", "node"), root: in("home", "folders"), home: in("home")}
	kept := []kept{{Name: "pictures", Path: in("home", "pictures")}}
	for name, test := range map[string]struct {
		path  string
		cause error
	}{
		"new":                 {in("home", "new", "deep"), nil},
		"there":               {in("other"), nil},
		"beside":              {in("home", "pictures2"), nil},
		"in root":             {in("home", "folders", "x"), nil},
		"dotted, clean":       {in("other", "..", "third"), nil},
		"relative":            {"docs", fusion.ErrInvalid},
		"empty":               {"", fusion.ErrInvalid},
		"whole file system":   {string(filepath.Separator), fusion.ErrInvalid},
		"kernel's":            {"/proc", fusion.ErrInvalid},
		"in kernel's":         {"/sys/kernel/x", fusion.ErrInvalid},
		"devices":             {"/dev/../dev/shm", fusion.ErrInvalid},
		"home":                {in("home"), fusion.ErrInvalid},
		"around home":         {base, fusion.ErrInvalid},
		"root of shared ones": {in("home", "folders"), fusion.ErrInvalid},
		"node's own":          {in("home", "node"), fusion.ErrInvalid},
		"in node's own":       {in("home", "node", "x"), fusion.ErrInvalid},
		"same":                {in("home", "pictures"), fusion.ErrExists},
		"same by a link":      {in("link"), fusion.ErrExists},
		"inside":              {in("home", "pictures", "2026"), fusion.ErrInvalid},
		"inside by a link":    {in("link", "2026"), fusion.ErrInvalid},
		"inside by dots":      {in("other", "..", "home", "pictures", "x"), fusion.ErrInvalid},
		"a file":              {in("file"), fusion.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.check("folder.add", test.path, kept)
			if !errors.Is(err, test.cause) || test.cause == nil && err != nil {
				t.Fatalf("%s: got %v, want %v", test.path, err, test.cause)
			}
			if err != nil && fusion.Hint(err) == "" {
				t.Errorf("%v has no hint", err)
			}
		})
	}
}

func TestLedger(t *testing.T) {
	dir := t.TempDir()
	l, err := loadLedger(dir)
	if err != nil || len(l.Folders) != 0 {
		t.Fatalf("missing ledger: %+v, %v", l, err)
	}
	l.Folders = append(l.Folders, kept{ID: testFolder, Name: "Docs", Path: "/x"})
	l.byName("docs").share("host-b").Offered = true
	if err := l.bind("host-b", testDevice); err != nil {
		t.Fatal(err)
	}
	if err := l.bind("host-c", testDevice); !errors.Is(err, fusion.ErrInvalid) {
		t.Errorf("a second host with the same device: %v", err)
	}
	if err := l.save(dir); err != nil {
		t.Fatal(err)
	}
	c := l.clone()
	c.byID(testFolder).unshare("host-b")
	back, err := loadLedger(dir)
	if err != nil || len(back.byName("DOCS").Shares) != 1 || back.Devices["host-b"] != testDevice {
		t.Errorf("read back %+v, %v", back, err)
	}
	if len(l.byID(testFolder).Shares) != 1 {
		t.Error("a clone shares its shares")
	}
	for text, cause := range map[string]error{"": fusion.ErrInvalid, "{": fusion.ErrInvalid, `{"version":7}`: fusion.ErrUnsupported} {
		if err := os.WriteFile(filepath.Join(dir, ledgerFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadLedger(dir); !errors.Is(err, cause) || fusion.Hint(err) == "" {
			t.Errorf("ledger %q: %v", text, err)
		}
	}
}
