// Package tray shows the owner's computers in the system tray: what runs where,
// whether something is being worked on, and whether a person is needed. Run is
// the one way to use it; it is a client of a node and holds none.
//
// Menu is a pure function of what the node told (State) and the words of a
// language, so that it is tested without a display. The pairing window shows a
// code of this computer and takes that of another one.
//
// It starts a node at first, as every client does. When the node goes away later
// nothing is started, as somebody may have stopped it on purpose: the icon asks
// for a person and the menu offers to start it.
package tray

import (
	"context"
	"iter"
	"time"

	"hither/fusion"
)

// Node is what the tray asks of the node. Calls end when their context does.
type Node interface {
	// Start joins the node, and starts one if none runs.
	Start(ctx context.Context) error
	// Watch yields what is now, then each change, of every host; see
	// fusion.Host.
	Watch(ctx context.Context) iter.Seq2[fusion.Event, error]
	// Offer opens a pairing code and yields it, then the paired host. It ends
	// when the code is used, burnt or expired; ending it withdraws the code.
	Offer(ctx context.Context) iter.Seq2[Offer, error]
	// Join pairs with the computer that shows the code.
	Join(ctx context.Context, code string) (fusion.HostInfo, error)
	// End ends the app that runs at HOST/MACHINE/INSTANCE.
	End(ctx context.Context, address string) error
	// Stop ends what another computer has open on this one, told by its ID.
	Stop(ctx context.Context, session string) error
}

// Offer is a code, or (with Host) how it was used.
type Offer struct {
	Code    string
	Expires time.Time
	Host    *fusion.HostInfo
}

// Desk opens what is larger than a menu.
type Desk interface {
	// Library opens the desktop window, or the page in a browser.
	Library(ctx context.Context) error
	// View opens a machine's screen, or a running app's, in a window.
	View(ctx context.Context, address string) error
}
