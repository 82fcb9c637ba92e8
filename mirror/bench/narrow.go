//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"hither/internal/path"
)

// narrows are the rates of row j, in Mbit a second; a router before each holds
// a quarter of a second of it at least (path.Shape).
var narrows = []int{5, 20}

// narrowFilms is row j: the film over paths that cannot carry all of it.
func narrowFilms(ctx context.Context, p plan, h *house, r *result) error {
	if os.Geteuid() != 0 {
		return errors.New("the shaped path is made of network namespaces: run this row as root, or leave it out with -rows")
	}
	var peers []*peer
	for _, name := range p.chosen([]string{"hither-datagram", "hither"}, "tigervnc", "tigervnc-tuned", "xpra") {
		for _, rate := range narrows {
			way, err := h.longWay(path.Shape{Delay: 10 * time.Millisecond, Rate: rate * 1e6 / 8}, uint64(rate))
			if err != nil {
				return err
			}
			one, err := h.startPeer(name, way)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			one.name = fmt.Sprintf("%s, %d Mbit/s", name, rate)
			peers = append(peers, one)
		}
	}
	var err error
	r.Films, err = turns(p.repeats, peers, func(one *peer) (*filmed, error) { return one.watchFilm(ctx, p.length) })
	r.note("Round trip 20 ms. The picture at rest is 6 MB that hardly compress: it is exact long after the film, and not looked at longer than 5 s.")
	return err
}
