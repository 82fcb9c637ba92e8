package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"time"

	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/vmctl"
)

// moving gives a paired computer as the other end of a move.
func (n *Node) moving(id fusion.HostID) (vmctl.MigrationPeer, error) {
	if id == n.network.ID() {
		return nil, &fusion.Error{Op: "machine.migrate", Path: n.Name(), Cause: fusion.ErrInvalid, Detail: "the machine is there already",
			Hint: "name the host that it is to move to"}
	}
	peer, err := n.paired("machine.migrate", id, vmctl.PairHint)
	if err != nil {
		return nil, err
	}
	return movingPeer{peer, n.clientOf(peer.id)}, nil
}

// movingPeer is the destination of a move: calls of its API, and streams.
type movingPeer struct {
	pairedHost
	c *client.Client
}

func (p movingPeer) Prepare(ctx context.Context, o vmctl.MigrationOffer) (vmctl.MigrationRoom, error) {
	room, err := p.c.PrepareMove(ctx, p.name+"/"+o.Name, offerToPB(o))
	if err != nil {
		return vmctl.MigrationRoom{}, err
	}
	return vmctl.MigrationRoom{Pool: room.Pool, Agent: room.Agent, Secret: room.Secret, Missing: room.Missing}, nil
}

func (p movingPeer) Examine(ctx context.Context, o vmctl.MigrationOffer) ([]fusion.Obstacle, error) {
	res, err := p.c.ExamineMove(ctx, p.name+"/"+o.Name, &pb.ExamineMoveRequest{Offer: offerToPB(o)})
	if errors.Is(err, fusion.ErrUnsupported) {
		return nil, nil // a release that cannot tell
	}
	if err != nil {
		return nil, err
	}
	return convert.All(res.Obstacles, convert.ObstacleFromPB), nil
}

func (p movingPeer) Check(ctx context.Context, uuid string) (bool, error) {
	res, err := p.c.CheckMove(ctx, p.name, &pb.CheckMoveRequest{Uuid: uuid})
	if err != nil {
		return false, err
	}
	return res.Whole, nil
}

func (p movingPeer) Settle(ctx context.Context, uuid string, v vmctl.Verdict) error {
	return p.c.SettleMove(ctx, p.name, &pb.SettleMoveRequest{Uuid: uuid, Yours: v.Yours, Console: v.Console})
}

// doorRequest is the first line of a stream of a move, as JSON: which door it opens.
type doorRequest struct {
	ID     string     `json:"id"`
	Secret string     `json:"secret"`
	Door   vmctl.Door `json:"door"`
}

// maxDoorRequest bounds that line in bytes, and doorTime how long it may take.
const (
	maxDoorRequest = 512
	doorTime       = 10 * time.Second
)

func (p movingPeer) Dial(ctx context.Context, id, secret string, door vmctl.Door) (net.Conn, error) {
	conn, err := p.dial(ctx, moveProtocol)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(conn).Encode(doorRequest{id, secret, door}); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// ExamineMove says what is in the way of a machine that may move here.
func (n *Node) ExamineMove(ctx context.Context, req *pb.ExamineMoveRequest) (*pb.ExamineMoveResponse, error) {
	found, err := n.vms.ExamineMigration(ctx, offerFromPB(req.Offer))
	if err != nil {
		return nil, err
	}
	return &pb.ExamineMoveResponse{Obstacles: convert.All(found, convert.ObstacleToPB)}, nil
}

// PrepareMove makes room for a machine that from wants to move here.
func (n *Node) PrepareMove(ctx context.Context, from fusion.HostID, req *pb.PrepareMoveRequest) (*pb.PrepareMoveResponse, error) {
	room, err := n.vms.PrepareMigration(ctx, from, offerFromPB(req))
	if err != nil {
		return nil, err
	}
	return &pb.PrepareMoveResponse{Pool: room.Pool, Agent: room.Agent, Secret: room.Secret, Missing: room.Missing}, nil
}

// CheckMove tells from whether all of a machine that was to move here has come.
func (n *Node) CheckMove(ctx context.Context, from fusion.HostID, req *pb.CheckMoveRequest) (*pb.CheckMoveResponse, error) {
	whole, err := n.vms.CheckMigration(ctx, from, req.Uuid)
	if err != nil {
		return nil, err
	}
	return &pb.CheckMoveResponse{Whole: whole}, nil
}

// SettleMove takes from's verdict on a machine that was to move here.
func (n *Node) SettleMove(ctx context.Context, from fusion.HostID, req *pb.SettleMoveRequest) error {
	return n.vms.SettleMigration(ctx, from, req.Uuid, vmctl.Verdict{Yours: req.Yours, Console: req.Console})
}

func (n *Node) serveMove(from fusion.HostID, conn net.Conn) error {
	if !n.mayMove(from) {
		return &fusion.Error{Op: "machine.migrate", Cause: fusion.ErrPermission, Detail: "that computer was not granted admin"}
	}
	if err := conn.SetReadDeadline(time.Now().Add(doorTime)); err != nil {
		return err
	}
	in := bufio.NewReaderSize(conn, maxDoorRequest)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	var req doorRequest
	if err := json.Unmarshal(line, &req); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	return n.vms.ServeMigration(n.ctx, readConn{conn, in}, req.ID, req.Secret, req.Door)
}

// mayMove says whether a computer may move machines here.
func (n *Node) mayMove(id fusion.HostID) bool {
	grants, paired := n.network.Grants(id)
	return paired && fusion.Allows(grants, fusion.AdminCap)
}

// readConn is a connection of which some was read ahead.
type readConn struct {
	net.Conn
	in io.Reader
}

func (c readConn) Read(p []byte) (int, error) { return c.in.Read(p) }

// CloseWrite ends what is sent; a connection that cannot do that alone is closed.
func (c readConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Conn.Close()
}
