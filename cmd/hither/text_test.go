package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1024": 1024, "512MiB": 512 << 20, "1GiB": 1 << 30, "20G": 20 << 30, "1.5GiB": 3 << 29,
		"1k": 1024, "2 TiB": 2 << 40, "7B": 7, "3gb": 3 << 30,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("parseSize(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "GiB", "-1G", "1XiB", "1GiBs", "1e9", "0x10", "NaN", "Inf", "9999999999P", "1 2", "１G", "1..5G"} {
		if got, err := parseSize(text); !errors.Is(err, fusion.ErrInvalid) || fusion.Hint(err) == "" {
			t.Errorf("parseSize(%q) = %d, %v, want ErrInvalid with a hint", text, got, err)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	f.Add("1.5GiB")
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := parseSize(text); err == nil && n < 0 {
			t.Errorf("parseSize(%q) = %d", text, n)
		}
	})
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 3 << 29: "1.5 GiB", 1<<20 - 1: "1.0 MiB", 1 << 62: "4096.0 PiB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Unix(1e9, 0)
	for d, want := range map[time.Duration]string{
		time.Second: "just now", 40 * time.Second: "40 s ago", 3 * time.Minute: "3 min ago",
		47 * time.Hour: "47 h ago", 72 * time.Hour: "3 days ago", -time.Hour: "just now",
	} {
		if got := ago(now, now.Add(-d)); got != want {
			t.Errorf("ago(%v) = %q, want %q", d, got, want)
		}
	}
	if got := ago(now, time.Time{}); got != "" {
		t.Errorf("ago(zero) = %q", got)
	}
}

func TestTableAligns(t *testing.T) {
	table := newTable("NAME", "STATE")
	table.add("电脑", "running")
	table.add("evil\x1b[2J\n", "off")
	var b strings.Builder
	if err := table.write(&b); err != nil {
		t.Fatal(err)
	}
	want := "NAME      STATE\n电脑      running\nevil[2J   off\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestExitCode(t *testing.T) {
	wrap := func(cause error) error { return &fusion.Error{Op: "x", Cause: &fusion.Error{Op: "y", Cause: cause}} }
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("x"), 1}, {wrap(fusion.ErrInvalid), 1}, {wrap(fusion.ErrBusy), 1}, {usage(wrap(fusion.ErrNotFound)), 2},
		{wrap(fusion.ErrNotFound), 3}, {wrap(fusion.ErrPermission), 4}, {wrap(fusion.ErrUnpaired), 4}, {wrap(fusion.ErrOffline), 5},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("exitCode(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]error{
		"nas/win11: invalid: domain has no disk": &fusion.Error{Op: "machine.start", Path: "nas/win11", Cause: fusion.ErrInvalid, Detail: "domain has no disk"},
		"node: offline":                          &fusion.Error{Op: "node", Cause: fusion.ErrOffline},
		"just words":                             usage(&fusion.Error{Detail: "just words"}),
		"plain":                                  errors.New("plain"),
	} {
		if got := errorText(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestCommandsHaveOneName: two branches that add one command would show it twice.
func TestCommandsHaveOneName(t *testing.T) {
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		seen := map[string]bool{}
		for _, c := range cmd.Commands() {
			if seen[c.Name()] {
				t.Errorf("%s is there twice", c.CommandPath())
			}
			seen[c.Name()] = true
			look(c)
		}
	}
	look(rootCommand())
}
