package vmctl

// backlogBytes is how much of a console is kept while somebody looks at it.
const backlogBytes = 64 << 10

// backlog keeps the newest backlogBytes of a stream. Positions count from the
// stream's beginning. The zero value is empty.
type backlog struct {
	buf []byte
	end int64 // how many bytes there ever were
}

func (r *backlog) write(p []byte) {
	if r.buf == nil {
		r.buf = make([]byte, backlogBytes)
	}
	if over := len(p) - backlogBytes; over > 0 {
		r.end += int64(over)
		p = p[over:]
	}
	for len(p) > 0 {
		n := copy(r.buf[r.end%backlogBytes:], p)
		r.end += int64(n)
		p = p[n:]
	}
}

// oldest is the position of the first byte that is still there.
func (r *backlog) oldest() int64 { return max(0, r.end-backlogBytes) }

// firstLine is where a newcomer begins: at a whole line once something is lost,
// so that it does not see the tail of a character or of a control sequence.
func (r *backlog) firstLine() int64 {
	oldest := r.oldest()
	if oldest == 0 {
		return 0
	}
	for at := oldest; at < r.end; at++ {
		if r.buf[at%backlogBytes] == '\n' {
			return at + 1
		}
	}
	return oldest
}

// read copies from a position on, and gives how many bytes before that are lost.
func (r *backlog) read(from int64, p []byte) (n int, lost int64) {
	if oldest := r.oldest(); from < oldest {
		lost, from = oldest-from, oldest
	}
	for n < len(p) && from < r.end {
		at := from % backlogBytes
		k := copy(p[n:], r.buf[at:min(backlogBytes, at+r.end-from)])
		n += k
		from += int64(k)
	}
	return n, lost
}
