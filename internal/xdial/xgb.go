package xdial

import (
	"context"
	"net"
	"strconv"
	"strings"

	"github.com/jezek/xgb"
)

// XGB opens a display for xgb, as its NewConnDisplay does.
func XGB(display string) (*xgb.Conn, error) {
	number, err := Number(display)
	if err != nil {
		return xgb.NewConnDisplay(display) // of another computer, or $DISPLAY
	}
	conn, err := Dial(context.Background(), number)
	if err != nil {
		return nil, err
	}
	x, err := xgb.NewConnNet(&greeted{Conn: conn, greeting: greeting(Cookie("", number))})
	if err != nil {
		conn.Close()
		return nil, err
	}
	x.DisplayNumber = number
	if _, screen, ok := strings.Cut(display, "."); ok {
		if x.DefaultScreen, err = strconv.Atoi(screen); err != nil {
			x.Close()
			return nil, err
		}
	}
	return x, nil
}

// greeted is a connection whose first write is the greeting in place of xgb's, which
// finds no cookie where it has not dialed itself.
type greeted struct {
	net.Conn
	greeting []byte
}

func (g *greeted) Write(b []byte) (int, error) {
	if g.greeting == nil {
		return g.Conn.Write(b)
	}
	_, err := g.Conn.Write(g.greeting)
	g.greeting = nil
	return len(b), err
}
