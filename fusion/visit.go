package fusion

import "time"

// Session is something that another computer has open on this one: a screen, a console, a
// stream. Only the owner of this computer is told of it.
type Session struct {
	ID   string `json:"id"`
	Host HostID `json:"host"`
	Name string `json:"name"`
	// What is the method ("ScreenService/Connect"), the path ("/screen") or the protocol of
	// a stream ("/hither/tunnel/1"), and Object what it is of, as it was called.
	What   string `json:"what"`
	Object string `json:"object,omitempty"`
	// ViewOnly says that a screen or a console is looked at and nothing is typed.
	ViewOnly bool      `json:"viewOnly,omitempty"`
	Since    time.Time `json:"since"`
}

// Watches says whether somebody looks, or types, through a session: it is a screen or a
// console.
func (s Session) Watches() bool {
	switch s.What {
	case "/screen", "ScreenService/Connect", "/terminal":
		return true
	}
	return false
}

// AccessRequest is what a paired computer tried here and was not granted, kept until the
// owner answers. Only the owner of this computer is told of it.
type AccessRequest struct {
	ID   string `json:"id"`
	Host HostID `json:"host"`
	Name string `json:"name"`
	// Grant is what would have let it, as the owner would say it: CAP or CAP@OBJECT.
	Grant string `json:"grant"`
	// What it called, as in Session.
	What string `json:"what"`
	// Since is when it first asked, Last when it last did, and Times how often.
	Since time.Time `json:"since"`
	Last  time.Time `json:"last"`
	Times int64     `json:"times"`
}
