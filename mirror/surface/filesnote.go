package surface

import (
	"errors"
	"fmt"
	"strings"

	"hither/fusion"
	"hither/mirror/files"
)

// hostName is a host in a sentence.
func hostName(host string) string {
	if host == "" {
		return "the host"
	}
	return plainTitle(host)
}

// filesNote says how a transfer stands.
func filesNote(m files.Moving, host string) string {
	host = hostName(host)
	way := "to " + host
	if m.Here {
		way = "from " + host
	}
	switch {
	case !m.Over:
		return fmt.Sprintf("Files %s: %s of %s. Ctrl+Alt+C cancels", way, size(float64(m.Bytes)), size(float64(m.Total)))
	case m.Err != nil:
		return "Files " + way + ": " + failure(m.Err)
	case m.Drop && !m.Here:
		return count(m) + " in " + plainTitle(m.Where) + " at " + host + ", ready to be pasted there" + left(m)
	}
	return "Clipboard " + way + ": " + count(m) + left(m)
}

func count(m files.Moving) string {
	if m.Files == 1 {
		return "1 file (" + size(float64(m.Total)) + ")"
	}
	return fmt.Sprintf("%d files (%s)", m.Files, size(float64(m.Total)))
}

// left says what a person may miss.
func left(m files.Moving) string {
	if m.Left == 0 {
		return ""
	}
	return fmt.Sprintf("; %d links or special files were left out", m.Left)
}

// failure says why, and what next.
func failure(err error) string {
	var f *fusion.Error
	text := err.Error()
	if errors.As(err, &f) && f.Detail != "" {
		text = f.Detail
		if f.Path != "" {
			text = f.Path + ": " + text
		}
	}
	text = plainTitle(text)
	if hint := fusion.Hint(err); hint != "" {
		text += ": " + hint
	}
	return strings.TrimSuffix(text, ".")
}
