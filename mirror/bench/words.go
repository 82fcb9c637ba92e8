//go:build linux

package main

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// words makes a line of n columns whose letters are as often as in a compiler's
// or a log's.
func words(random *rand.Rand, n int) string {
	const letters = "etaoinshrdlucmfwypvbgkjqxz0123456789/.-_=:"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[min(random.IntN(len(letters)), random.IntN(len(letters)))]
		if random.IntN(6) == 0 {
			b[i] = ' '
		}
	}
	// Lines end raggedly.
	for i := n/3 + random.IntN(n-n/3); i < n; i++ {
		b[i] = ' '
	}
	return string(b)
}

//go:embed canvas.go
var source string

// page makes the lines that a person's terminal shows: a server's log, and
// source code as a pager numbers it. No two lines that follow each other are
// equal in their first columns.
type page struct {
	random *rand.Rand
	code   []string
	line   int
	clock  time.Duration
}

// firstColumns hold the number of a line of code, or the time of an event.
const firstColumns = 8

func newPage() *page {
	return &page{random: rand.New(rand.NewPCG(3, 4)), code: strings.Split(source, "\n")}
}

// next gives a line: 30 lines of a log, then 30 of code, and so on.
func (p *page) next() string {
	p.line++
	if p.line/30%2 == 1 {
		return fmt.Sprintf("%8d  %s", p.line, strings.ReplaceAll(p.code[p.line%len(p.code)], "\t", "    "))
	}
	p.clock += time.Duration(1+p.random.IntN(40)) * time.Millisecond
	return fmt.Sprintf("%8.3f  ", p.clock.Seconds()) + p.event()
}

func (p *page) event() string {
	r := p.random
	id := fmt.Sprintf("%08x", r.Uint32())
	switch r.IntN(4) {
	case 0:
		return fmt.Sprintf("INFO  http: GET /api/v1/machines/%s 200 %d bytes in %.2f ms", id, r.IntN(90000), r.Float64()*90)
	case 1:
		return fmt.Sprintf("WARN  store: compaction of segment %d took %d ms (limit 250 ms), %d entries kept", r.IntN(5000), r.IntN(900), r.IntN(100000))
	case 2:
		return fmt.Sprintf("DEBUG raft: node %d appended index=%d term=%d commit=%d", r.IntN(9), p.line*7, 3+p.line/4000, p.line*7-2)
	}
	return fmt.Sprintf("ERROR worker[%s]: dial tcp 10.0.%d.%d:%d: connect: connection refused; retry in %d s", id, r.IntN(255), r.IntN(255), 1024+r.IntN(60000), 1+r.IntN(30))
}
