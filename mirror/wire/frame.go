package wire

// PartBytes is how many bytes of a frame one message carries at most.
const PartBytes = MaxMessage - partHeader

// Splitter turns one frame after the other into messages. The zero value is
// ready; the first frame has number 1.
type Splitter struct {
	seq   uint32
	part  int
	parts int
	frame []byte
	buf   []byte
}

// Start begins with a frame, which must stay unchanged until Next has given
// its last part, and returns the frame's number.
func (s *Splitter) Start(frame []byte) uint32 {
	s.seq++
	s.part, s.parts = 0, max(1, (len(frame)+PartBytes-1)/PartBytes)
	s.frame = frame
	return s.seq
}

// Next gives the next message of the frame, valid until the next call, or nil
// after the last.
func (s *Splitter) Next() []byte {
	if s.part >= s.parts {
		return nil
	}
	n := min(PartBytes, len(s.frame))
	p := FramePart{s.seq, uint16(s.part), uint16(s.parts), s.frame[:n]}
	s.buf = p.Append(s.buf[:0])
	s.frame = s.frame[n:]
	s.part++
	return s.buf
}

// More says whether Next has another message.
func (s *Splitter) More() bool { return s.part < s.parts }

// Assembler puts the parts of frames together again. The zero value is ready.
// It holds at most MaxFrame bytes, and never more than arrived.
type Assembler struct {
	seq   uint32
	next  uint16
	parts uint16
	buf   []byte
}

// Add takes the next part. It gives the frame when the part was its last; the
// slice is valid until the next Add. A part out of order is an error.
func (a *Assembler) Add(p FramePart) (frame []byte, err error) {
	if p.Part == 0 {
		if a.next != a.parts || p.Seq != a.seq+1 {
			return nil, invalid("frame number")
		}
		a.seq, a.next, a.parts = p.Seq, 0, p.Parts
		a.buf = a.buf[:0]
	}
	if p.Seq != a.seq || p.Parts != a.parts || p.Part != a.next {
		return nil, invalid("order of frame parts")
	}
	if len(a.buf)+len(p.Bytes) > MaxFrame {
		return nil, invalid("frame is too large")
	}
	a.next++
	if p.Parts == 1 {
		return p.Bytes, nil
	}
	a.buf = append(a.buf, p.Bytes...)
	if a.next < a.parts {
		return nil, nil
	}
	return a.buf, nil
}
