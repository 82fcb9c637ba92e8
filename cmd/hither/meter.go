package main

import (
	"fmt"
	"io"
	"time"
)

// meter reads r and shows on a terminal how far it is.
type meter struct {
	r     io.Reader
	w     io.Writer // nil off a terminal
	name  string
	read  int64
	total int64
	shown time.Time
}

func newMeter(w io.Writer, name string, total int64, r io.Reader) *meter {
	m := &meter{r: r, name: name, total: total}
	if terminal(w) {
		m.w = w
	}
	return m
}

// meterPause keeps the line calm.
const meterPause = 200 * time.Millisecond

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.read += int64(n)
	if m.w != nil && time.Since(m.shown) >= meterPause {
		m.shown = time.Now()
		fmt.Fprintf(m.w, "\r\x1b[K%s: %s of %s", m.name, bytesText(m.read), bytesText(m.total))
	}
	return n, err
}

// done takes the line away.
func (m *meter) done() {
	if m.w != nil {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}
