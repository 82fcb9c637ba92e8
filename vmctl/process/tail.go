package process

import "strings"

// Tail keeps the beginning of what a program complains of, at most 4096 bytes.
type Tail struct{ said []byte }

func (t *Tail) Write(p []byte) (int, error) {
	t.said = append(t.said, p[:min(len(p), max(4096-len(t.said), 0))]...)
	return len(p), nil
}

func (t *Tail) String() string { return strings.TrimSpace(string(t.said)) }
