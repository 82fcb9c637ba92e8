package surface

import (
	"testing"

	"hither/fusion"
	"hither/mirror/files"
)

func TestFilesNote(t *testing.T) {
	full := &fusion.Error{Op: "files", Cause: fusion.ErrInvalid, Detail: "no \u202eroom", Hint: "free some"}
	for _, c := range []struct {
		m    files.Moving
		want string
	}{
		{files.Moving{Here: true, Bytes: 5 << 20, Total: 10 << 20}, "Files from nas: 5.0 MiB of 10.0 MiB. Ctrl+Alt+C cancels"},
		{files.Moving{Here: true, Files: 3, Total: 2048, Over: true}, "Clipboard from nas: 3 files (2.0 KiB)"},
		{files.Moving{Files: 1, Total: 5, Over: true, Left: 2}, "Clipboard to nas: 1 file (5 B); 2 links or special files were left out"},
		{files.Moving{Drop: true, Files: 1, Total: 5, Over: true, Where: "~/Down\nloads"}, "1 file (5 B) in ~/Downloads at nas, ready to be pasted there"},
		{files.Moving{Over: true, Err: full}, "Files to nas: no room: free some"},
	} {
		if got := filesNote(c.m, "n\x00as"); got != c.want {
			t.Errorf("%+v is %q, want %q", c.m, got, c.want)
		}
	}
}
