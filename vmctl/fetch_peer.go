package vmctl

import (
	"context"
	"errors"
	"sync"
	"time"

	"hither/fusion"
)

// ImagePeer is the image pool of another host of the owner.
type ImagePeer struct {
	Name   string
	Images fusion.Images
}

// peerTime is how long another host may take to say what it has.
const peerTime = 5 * time.Second

// peersWith asks all hosts at once whether they have an image with a sum, and gives
// those that do. One that does not answer, or may not be asked, has none.
func (s *Store) peersWith(ctx context.Context, sum string) []*peerSource {
	peers := s.config.ImagePeers()
	if sum == "" || len(peers) == 0 {
		return nil
	}
	fusion.Report(ctx, fusion.Progress{Step: "asks the other computers for the image"})
	ctx, cancel := context.WithTimeout(ctx, peerTime)
	defer cancel()
	has := make([]bool, len(peers))
	var asking sync.WaitGroup
	for i, peer := range peers {
		asking.Go(func() {
			list, err := peer.Images.List(ctx)
			if err != nil {
				s.config.Log.Debug("another host was asked for an image", "host", peer.Name, "error", err)
			}
			for _, image := range list {
				has[i] = has[i] || image.Sum == sum
			}
		})
	}
	asking.Wait()
	var list []*peerSource
	for i, peer := range peers {
		if has[i] {
			list = append(list, &peerSource{peer, sum})
		}
	}
	return list
}

// peerSource is an image in the pool of another host.
type peerSource struct {
	peer ImagePeer
	sum  string
}

func (p *peerSource) name() string { return p.peer.Name }

func (p *peerSource) note(rest) downloadNote { return downloadNote{Peer: true} }

func (p *peerSource) open(ctx context.Context, from int64, _ string) (rest, error) {
	data, err := p.peer.Images.Read(ctx, p.sum, from)
	switch {
	case err == nil:
		return rest{ReadCloser: data.ReadCloser, at: from, total: data.Size}, nil
	case ctx.Err() != nil:
		return rest{}, ctx.Err()
	case errors.Is(err, fusion.ErrInvalid) && from > 0: // it is shorter than what is here
		return p.open(ctx, 0, "")
	}
	return rest{}, passing{err}
}
