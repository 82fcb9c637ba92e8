package tray

import (
	"cmp"
	"unicode/utf8"

	"hither/fusion"
)

// Verb is what an item does when it is chosen.
type Verb string

const (
	None    Verb = ""
	View    Verb = "view" // Address
	End     Verb = "end"  // Address
	Stop    Verb = "stop" // what another computer has open here, its ID in Address
	Library Verb = "library"
	Pair    Verb = "pair"
	Start   Verb = "start" // the node
	Quit    Verb = "quit"
)

// Item is one line of the menu. One without a label is a separator; one that
// does nothing and has no children is shown greyed.
type Item struct {
	Label    string
	Verb     Verb
	Address  string
	Children []Item
}

// Menu gives the menu of a state.
func Menu(s *State, w Words) []Item {
	items := []Item{{Label: status(s, w)}}
	if s.Away {
		if s.Note != "" {
			items = append(items, Item{Label: clip(s.Note)})
		}
		return append(items, Item{Label: w.StartNode, Verb: Start}, Item{}, Item{Label: w.Quit, Verb: Quit})
	}
	items = append(items, Item{})
	if visits := visitItems(s, w); len(visits) > 0 {
		items = append(append(items, visits...), Item{})
	}
	hosts := s.sortedHosts()
	for _, h := range hosts {
		items = append(items, hostItem(s, h, w))
	}
	if len(hosts) > 0 {
		items = append(items, Item{})
	}
	return append(items, Item{Label: w.OpenLibrary, Verb: Library}, Item{Label: w.PairComputer, Verb: Pair},
		Item{}, Item{Label: w.Quit, Verb: Quit})
}

// visitItems are who looks at this computer now, each with a way to end it, and who asks for
// more, which the library answers.
func visitItems(s *State, w Words) []Item {
	var items []Item
	for _, v := range s.visits() {
		label := w.controls(clip(v.Name))
		if v.ViewOnly {
			label = w.sees(clip(v.Name))
		}
		items = append(items, Item{Label: label, Children: []Item{{Label: w.EndVisit, Verb: Stop, Address: v.ID}}})
	}
	for _, r := range s.asked() {
		items = append(items, Item{Label: w.asks(clip(r.Name)), Verb: Library})
	}
	return items
}

func status(s *State, w Words) string {
	if s.Away {
		return w.NodeAway
	}
	return map[Mood]string{Fine: w.AllFine, Working: w.Working, NeedsYou: w.NeedsYou}[s.Mood()]
}

// hostItem is a computer with what runs on it.
func hostItem(s *State, h fusion.HostInfo, w Words) Item {
	label := clip(h.Name)
	switch {
	case h.Local:
		label = w.thisComputer(label)
	case !h.Online:
		return Item{Label: w.offline(label)}
	}
	item := Item{Label: label}
	for _, m := range s.running(h.Name) {
		name := clip(m.Name)
		if m.Kind == fusion.KindSelf {
			if h.Local {
				continue // one sits in front of it
			}
			name = w.Desktop
		}
		if m.State == fusion.Paused {
			name = w.paused(name)
		}
		item.Children = append(item.Children, Item{Label: name, Verb: View, Address: h.Name + "/" + m.Name})
	}
	for _, a := range s.apps(h.Name) {
		item.Children = append(item.Children, appItem(h, a, w))
	}
	if len(item.Children) == 0 {
		item.Children = []Item{{Label: w.NothingRuns}}
	}
	return item
}

// appItem is an app that runs: its windows can come back here, and it can be ended.
func appItem(h fusion.HostInfo, a fusion.Screen, w Words) Item {
	address := h.Name + "/" + a.Name
	return Item{Label: clip(cmp.Or(a.Title, a.App)), Children: []Item{
		{Label: w.BringBack, Verb: View, Address: address},
		{Label: w.EndApp, Verb: End, Address: address},
	}}
}

// clip keeps a name that came from elsewhere to one short line.
func clip(text string) string {
	const most = 60
	out := make([]rune, 0, most)
	for _, r := range text {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			r = ' '
		}
		if len(out) == most-1 {
			return string(out) + "…"
		}
		out = append(out, r)
	}
	return string(out)
}
