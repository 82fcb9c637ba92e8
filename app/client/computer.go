package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func (h *host) Resources(ctx context.Context) (fusion.Resources, error) {
	res, err := call(ctx, h.label, h.c.computers.Resources, &pb.ResourcesRequest{Host: h.name})
	if err != nil {
		return fusion.Resources{}, err
	}
	return convert.ResourcesFromPB(res), nil
}

func (h *host) SetRoles(ctx context.Context, add, remove []string) ([]string, error) {
	res, err := call(ctx, h.label, h.c.computers.SetRoles, &pb.SetRolesRequest{Host: h.name, Add: add, Remove: remove})
	if err != nil {
		return nil, err
	}
	if res.Roles == nil {
		return []string{}, nil
	}
	return res.Roles, nil
}

// Place has the node choose a host for a machine. A retry with the same
// idempotency key (fusion.WithKey) is answered with the same host.
func (c *Client) Place(ctx context.Context, s fusion.MachineSpec) (fusion.Placement, error) {
	res, err := call(ctx, s.Name, c.computers.Place, &pb.PlaceRequest{Name: s.Name, MemoryBytes: s.MemoryBytes, Cpus: int32(s.CPUs), DiskBytes: s.DiskBytes,
		Image: s.Image, Iso: s.ISO, Firmware: s.Firmware, Tpm: s.TPM})
	if err != nil {
		return fusion.Placement{}, err
	}
	return convert.PlacementFromPB(res), nil
}

// Wake has the node see that a host is woken.
func (c *Client) Wake(ctx context.Context, host string) (fusion.Woken, error) {
	res, err := call(ctx, host, c.computers.Wake, &pb.WakeRequest{Host: host})
	if err != nil {
		return fusion.Woken{}, err
	}
	return fusion.Woken{By: res.By, Packets: int(res.Packets), Note: res.Note}, nil
}

// SendWake asks the node to send the magic packets of cards itself.
func (c *Client) SendWake(ctx context.Context, label string, cards []fusion.Card) (int, error) {
	res, err := call(ctx, label, c.computers.SendWake, &pb.SendWakeRequest{Cards: convert.All(cards, convert.CardToPB)})
	if err != nil {
		return 0, err
	}
	return int(res.Packets), nil
}

// Going tells the node that the calling computer goes.
func (c *Client) Going(ctx context.Context, label string, away fusion.Away) error {
	_, err := call(ctx, label, c.computers.Going, &pb.GoingRequest{Away: string(away)})
	return err
}
