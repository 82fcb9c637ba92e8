package vmctl

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

// The Network Block Device protocol, as much of it as an image's one reader or writer
// needs: the fixed newstyle handshake, and one request at a time with simple replies
// (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md). Numbers are big
// endian.
const (
	nbdMagic       = 0x4e42444d41474943 // "NBDMAGIC"
	nbdOptionMagic = 0x49484156454f5054 // "IHAVEOPT"
	nbdRequest     = 0x25609513
	nbdReply       = 0x67446698

	nbdFixedNewstyle = 1 << 0
	nbdNoZeroes      = 1 << 1
	nbdOptExportName = 1

	nbdRead       = 0
	nbdWrite      = 1
	nbdDisconnect = 2
	nbdFlush      = 3
)

// mostNBD is the longest part that is read or written at once, in bytes; servers must
// take it.
const mostNBD = 1 << 20

// nbd is a connection to an image. It is for one goroutine.
type nbd struct {
	conn net.Conn
	r    *bufio.Reader
	size int64 // of the image, in bytes
	n    uint64
}

// openNBD shakes hands and opens the export without a name. It closes conn when it fails.
func openNBD(conn net.Conn) (*nbd, error) {
	c := &nbd{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}
	if err := c.hello(); err != nil {
		return nil, errors.Join(fmt.Errorf("qemu-nbd: %w", err), conn.Close())
	}
	return c, nil
}

func (c *nbd) hello() error {
	var greeting struct {
		Magic, Option uint64
		Flags         uint16
	}
	if err := binary.Read(c.r, binary.BigEndian, &greeting); err != nil {
		return err
	}
	if greeting.Magic != nbdMagic || greeting.Option != nbdOptionMagic || greeting.Flags&(nbdFixedNewstyle|nbdNoZeroes) != nbdFixedNewstyle|nbdNoZeroes {
		return errors.New("it speaks another protocol")
	}
	err := binary.Write(c.conn, binary.BigEndian, struct {
		Flags          uint32
		Magic          uint64
		Option, Length uint32
	}{nbdFixedNewstyle | nbdNoZeroes, nbdOptionMagic, nbdOptExportName, 0})
	if err != nil {
		return err
	}
	var export struct {
		Size  uint64
		Flags uint16
	}
	if err := binary.Read(c.r, binary.BigEndian, &export); err != nil {
		return err
	}
	if export.Size > mostDisk {
		return errors.New("the image has a size that no disk has")
	}
	c.size = int64(export.Size)
	return nil
}

// ask sends a request of a command with its data, and reads the head of its answer.
func (c *nbd) ask(command uint16, offset, length int64, data []byte) error {
	c.n++
	head := make([]byte, 0, 28+len(data))
	head = binary.BigEndian.AppendUint32(head, nbdRequest)
	head = binary.BigEndian.AppendUint16(head, 0)
	head = binary.BigEndian.AppendUint16(head, command)
	head = binary.BigEndian.AppendUint64(head, c.n)
	head = binary.BigEndian.AppendUint64(head, uint64(offset))
	head = binary.BigEndian.AppendUint32(head, uint32(length))
	if _, err := c.conn.Write(append(head, data...)); err != nil || command == nbdDisconnect {
		return err
	}
	var reply struct {
		Magic, Error uint32
		Handle       uint64
	}
	switch err := binary.Read(c.r, binary.BigEndian, &reply); {
	case err != nil:
		return err
	case reply.Magic != nbdReply || reply.Handle != c.n:
		return errors.New("qemu-nbd: its answer is out of order")
	case reply.Error != 0:
		return nbdError(reply.Error)
	}
	return nil
}

// nbdError is an error number of the protocol, which has those of Linux.
func nbdError(number uint32) error {
	switch number {
	case 28:
		return errNoSpace
	case 5:
		return errors.New("qemu-nbd: input/output error")
	}
	return fmt.Errorf("qemu-nbd: error %d", number)
}

// errNoSpace says that the file system of an image is full.
var errNoSpace = errors.New("no space left")

// ReadAt reads len(p) bytes, at most mostNBD.
func (c *nbd) ReadAt(p []byte, offset int64) (int, error) {
	if err := c.ask(nbdRead, offset, int64(len(p)), nil); err != nil {
		return 0, err
	}
	return io.ReadFull(c.r, p)
}

// WriteAt writes p, at most mostNBD bytes.
func (c *nbd) WriteAt(p []byte, offset int64) (int, error) {
	if err := c.ask(nbdWrite, offset, int64(len(p)), p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// end flushes what was written and says goodbye.
func (c *nbd) end() error {
	return errors.Join(c.ask(nbdFlush, 0, 0, nil), c.ask(nbdDisconnect, 0, 0, nil), c.conn.Close())
}

// listenerFile gives a socket in dir that nobody can find any more, and one connection
// to it.
func listenerFile(dir string) (server *os.File, client net.Conn, err error) {
	f, err := os.CreateTemp(dir, "n-*")
	if err != nil {
		return nil, nil, err
	}
	path := f.Name()
	if err := errors.Join(f.Close(), os.Remove(path)); err != nil {
		return nil, nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, nil, err
	}
	defer l.Close() // removes the path; server is a socket of its own
	if server, err = l.File(); err != nil {
		return nil, nil, err
	}
	if client, err = net.Dial("unix", path); err != nil {
		return nil, nil, errors.Join(err, server.Close())
	}
	return server, client, nil
}
