package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/vmctl"
)

// The streams of usbProtocol carry USB devices of one computer to machines of another one
// (docs/wire.md, "USB devices of other computers"). The machine's host opens one: a line of
// JSON with a vmctl.LoanRequest, a line with the answer, an hither.v1.Error that is empty when
// the device is lent, and then what QEMU and usbredirhost say to each other.

// maxUSBLine bounds those lines in bytes, and lendTime how long the answer may take: a device
// that is taken is reset, which is slow for some. The first line has doorTime.
const (
	maxUSBLine = 4096
	lendTime   = 30 * time.Second
)

// usbPeer gives a paired computer whose USB devices machines of this one can be given.
func (n *Node) usbPeer(id fusion.HostID) (vmctl.USBPeer, error) {
	if id == n.network.ID() {
		return nil, nil
	}
	peer, err := n.paired("machine.change", id, vmctl.USBPairHint)
	if err != nil {
		return nil, err
	}
	return usbPeer{peer}, nil
}

type usbPeer struct{ pairedHost }

func (p usbPeer) Devices(ctx context.Context) ([]fusion.Device, error) {
	return p.host().Devices().List(ctx)
}

func (p usbPeer) Borrow(ctx context.Context, r vmctl.LoanRequest) (net.Conn, error) {
	conn, err := p.dial(ctx, usbProtocol)
	if err != nil {
		return nil, err
	}
	in, err := p.ask(ctx, conn, r)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return readConn{conn, in}, nil
}

// ask sends the request and reads the answer.
func (p usbPeer) ask(ctx context.Context, conn net.Conn, r vmctl.LoanRequest) (*bufio.Reader, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(lendTime)); err != nil {
		return nil, err
	}
	if err := json.NewEncoder(conn).Encode(r); err != nil {
		return nil, p.broke(ctx, err)
	}
	in := bufio.NewReaderSize(conn, maxUSBLine)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return nil, p.broke(ctx, err)
	}
	var said pb.Error
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(line, &said); err != nil {
		return nil, &fusion.Error{Op: "device.lend", Path: p.name, Cause: err, Hint: "update Hither on " + p.name}
	}
	if said.Cause != "" || said.Detail != "" {
		return nil, convert.Restore(&said, p.name)
	}
	if !stop() {
		return nil, ctx.Err()
	}
	return in, conn.SetDeadline(time.Time{})
}

func (p usbPeer) broke(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &fusion.Error{Op: "device.lend", Path: p.name, Cause: fusion.ErrOffline, Detail: err.Error(), Hint: "see that the computer is awake and its node runs"}
}

// lendUSB lends a device of this computer to whoever opened a stream for it.
func (n *Node) lendUSB(borrower fusion.HostID, conn net.Conn) error {
	from, err := n.network.Lookup(string(borrower))
	if err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(doorTime)); err != nil {
		return err
	}
	in := bufio.NewReaderSize(conn, maxUSBLine)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	var r vmctl.LoanRequest
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	loan, err := n.lend(from.ID, from.Name, r)
	if err := n.answerUSB(conn, err); err != nil || loan == nil {
		if loan != nil {
			loan.Close()
		}
		return err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		loan.Close()
		return err
	}
	return loan.Serve(n.ctx, readConn{conn, in})
}

// lend takes a device for a computer that may administer this one: a device is given away
// to no other.
func (n *Node) lend(from fusion.HostID, name string, r vmctl.LoanRequest) (*vmctl.Loan, error) {
	if !n.mayMove(from) {
		return nil, &fusion.Error{Op: "device.lend", Path: r.Device, Cause: fusion.ErrPermission,
			Detail: "giving a machine a device of its computer needs admin there", Hint: "ask its owner for it: hither host grant HOST admin"}
	}
	ctx, cancel := context.WithTimeout(n.ctx, lendTime)
	defer cancel()
	return n.vms.Lend(ctx, from, name, r)
}

func (n *Node) answerUSB(conn net.Conn, refused error) error {
	said := &pb.Error{}
	if refused != nil {
		said = convert.Describe(refused)
		n.log.Info("a device is not lent", "err", refused)
	}
	line, err := protojson.Marshal(said)
	if err == nil {
		_, err = conn.Write(append(line, '\n'))
	}
	return err
}
