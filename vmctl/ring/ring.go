// Package ring keeps the last day of a machine's measurements in one file of a fixed
// layout, which docs/disk.md describes byte by byte.
//
// A measurement has a place of its own for each second of the day, and carries its
// time and a checksum, so there is no head or tail to keep right: a write that was
// torn by a crash, a place that was never written and one of an earlier day are all
// told by the place itself, and count as not measured. What was not measured takes no
// room where the file system has holes. Append and Read may run at the same time, in
// several processes.
package ring

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
)

// What a measurement consists of, in the order of the file.
const (
	CPU    = iota // share of all processors, 0 to 1
	Memory        // bytes
	DiskRead
	DiskWrite // bytes a second, as those around it
	NetIn
	NetOut
	Quantities
)

// Sample is one measurement. A value that is not known is NaN.
type Sample struct {
	Second int64 // since 1970
	Values [Quantities]float32
}

const (
	// Slots is how many seconds a file has: a day.
	Slots = 24 * 60 * 60
	// Version of the layout.
	Version = 1

	recordSize = 32
	headerSize = 32
	stepMillis = 1000
)

// magic is how a file begins.
var magic = [8]byte{'H', 'i', 't', 'h', 'e', 'r', 'M', '\n'}

var sums = crc32.MakeTable(crc32.Castagnoli)

// header is what every file begins with.
func header() []byte {
	b := make([]byte, headerSize)
	copy(b, magic[:])
	binary.LittleEndian.PutUint16(b[8:], Version)
	binary.LittleEndian.PutUint16(b[10:], recordSize)
	binary.LittleEndian.PutUint32(b[12:], stepMillis)
	binary.LittleEndian.PutUint32(b[16:], Slots)
	binary.LittleEndian.PutUint32(b[28:], crc32.Checksum(b[:28], sums))
	return b
}

func sound(head []byte) bool { return string(head) == string(header()) }

// encode writes a sample's record. A time that 32 bits do not hold is refused by Append.
func encode(b []byte, s Sample) {
	binary.LittleEndian.PutUint32(b, uint32(s.Second))
	for i, v := range s.Values {
		binary.LittleEndian.PutUint32(b[4+4*i:], math.Float32bits(v))
	}
	binary.LittleEndian.PutUint32(b[28:], crc32.Checksum(b[:28], sums))
}

// decode reads a record that has to be of a second.
func decode(b []byte, second int64) (Sample, bool) {
	if int64(binary.LittleEndian.Uint32(b)) != second || binary.LittleEndian.Uint32(b[28:]) != crc32.Checksum(b[:28], sums) {
		return Sample{}, false
	}
	s := Sample{Second: second}
	for i := range s.Values {
		v := math.Float32frombits(binary.LittleEndian.Uint32(b[4+4*i:]))
		if v < 0 || math.IsInf(float64(v), 0) {
			v = float32(math.NaN())
		}
		s.Values[i] = v
	}
	return s, true
}

func place(second int64) int64 { return headerSize + second%Slots*recordSize }

// Append writes samples, which rise in time, to the file at path, and makes it when
// there is none. A file that is none of ours or of another version begins anew.
func Append(path string, samples []Sample) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := begin(f); err != nil {
		return err
	}
	for len(samples) > 0 {
		n := run(samples)
		b := make([]byte, n*recordSize)
		for i, s := range samples[:n] {
			encode(b[i*recordSize:], s)
		}
		if _, err := f.WriteAt(b, place(samples[0].Second)); err != nil {
			return err
		}
		samples = samples[n:]
	}
	return nil
}

// begin makes sure of the header.
func begin(f *os.File) error {
	head := make([]byte, headerSize)
	_, err := f.ReadAt(head, 0)
	if err == nil && sound(head) {
		return nil
	}
	if err != nil && err != io.EOF {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(header(), 0)
	return err
}

// run counts the samples at the begin that lie behind each other in the file.
func run(samples []Sample) int {
	n := 1
	for n < len(samples) && samples[n].Second == samples[n-1].Second+1 && samples[n].Second%Slots != 0 {
		n++
	}
	return n
}

// Read calls each with the samples of the file at path from the second from up to, but
// not with, to, in their order. A file that is not there, or none of ours, has none.
func Read(path string, from, to int64, each func(Sample)) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // nothing was written
	return read(f, from, to, each)
}

// batch is how many records are read at a time.
const batch = 2048

func read(r io.ReaderAt, from, to int64, each func(Sample)) error {
	head := make([]byte, headerSize)
	if _, err := r.ReadAt(head, 0); err != nil || !sound(head) {
		return ignoreEnd(err)
	}
	to = min(to, math.MaxUint32)
	from = max(from, 0, to-Slots)
	b := make([]byte, batch*recordSize)
	for from < to {
		n := min(to-from, batch, Slots-from%Slots)
		got, err := r.ReadAt(b[:n*recordSize], place(from))
		if err := ignoreEnd(err); err != nil {
			return err
		}
		for i := range int64(got / recordSize) {
			if s, ok := decode(b[i*recordSize:(i+1)*recordSize], from+i); ok {
				each(s)
			}
		}
		from += n
	}
	return nil
}

func ignoreEnd(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
