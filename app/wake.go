package app

import (
	"context"
	"sync"
	"time"

	"hither/app/wol"
	"hither/fusion"
)

// wakeTime bounds how long other computers are waited for that are to send.
const wakeTime = 5 * time.Second

// Wake has a paired computer woken. Everybody who is online and in one of its
// networks sends the magic packet: two homes may have networks of one number, and
// only one of them has the sleeper.
func (n *Node) Wake(ctx context.Context, name string) (fusion.Woken, error) {
	const op = "host.wake"
	_, info, err := n.Resolve(name)
	switch {
	case err != nil:
		return fusion.Woken{}, err
	case info.Online:
		return fusion.Woken{}, &fusion.Error{Op: op, Path: info.Name, Cause: fusion.ErrInvalid, Detail: "it is awake", Hint: "nothing is to be done"}
	case len(info.Cards) == 0:
		return fusion.Woken{}, &fusion.Error{Op: op, Path: info.Name, Cause: fusion.ErrUnsupported, Detail: "no wired network card of it is known",
			Hint: "it tells its cards while it is online, to computers that may control it"}
	}
	woken := n.sendAll(ctx, info)
	if err := ctx.Err(); err != nil {
		return woken, err
	}
	if len(woken.By) == 0 {
		return woken, &fusion.Error{Op: op, Path: info.Name, Cause: fusion.ErrOffline, Detail: "nobody who is awake is on its network",
			Hint: "switch on another paired computer there, or this one by hand"}
	}
	woken.Note = wakeNote(info.Cards)
	n.log.Info("a computer was sent the magic packet", "host", info.Name, "by", woken.By, "trace", fusion.Trace(ctx))
	return woken, nil
}

// sendAll asks this computer and every one that is online to send, at once.
func (n *Node) sendAll(ctx context.Context, sleeper fusion.HostInfo) fusion.Woken {
	ctx, cancel := context.WithTimeout(ctx, wakeTime)
	defer cancel()
	hosts := n.Hosts()
	sent := make([]int, len(hosts))
	var asking sync.WaitGroup
	for i, h := range hosts {
		if !h.Online || h.ID == sleeper.ID {
			continue
		}
		asking.Go(func() {
			var err error
			if h.Local {
				sent[i], err = wol.Send(sleeper.Cards)
			} else {
				sent[i], err = n.clientOf(h.ID).SendWake(ctx, h.Name, sleeper.Cards)
			}
			if err != nil {
				n.log.Info("a computer did not send the magic packet", "host", h.Name, "err", err, "trace", fusion.Trace(ctx))
			}
		})
	}
	asking.Wait()
	woken := fusion.Woken{By: []string{}}
	for i, h := range hosts {
		if sent[i] > 0 {
			woken.By = append(woken.By, h.Name)
			woken.Packets += sent[i]
		}
	}
	return woken
}

// wakeNote says that none of the cards listened when they were last seen.
func wakeNote(cards []fusion.Card) (note string) {
	for _, card := range cards {
		if card.Wake != "off" {
			return ""
		}
	}
	return "its network card did not listen for that when it was last online; there, as root: ethtool -s " + cards[0].Name + " wol g"
}

// SendWake sends the magic packets of cards from this computer.
func (n *Node) SendWake(ctx context.Context, cards []fusion.Card) (int, error) {
	sent, err := wol.Send(cards)
	if err != nil {
		return 0, &fusion.Error{Op: "host.wake", Path: n.Name(), Cause: err, Detail: "the magic packet could not be sent"}
	}
	n.log.Debug("sent magic packets", "networks", sent, "trace", fusion.Trace(ctx))
	return sent, nil
}
