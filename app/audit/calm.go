package audit

import (
	"sync"
	"time"

	"hither/fusion"
)

// A computer that asks and asks must not push everything else out of the log: in each
// minute so many of its records are written, and what is more is counted, and written as
// one record for each kind when the minute ends.
const (
	window = time.Minute
	// mostDeeds and mostRefused are for one paired computer, mostStrange for all keys that
	// are not paired together.
	mostDeeds   = 120
	mostRefused = 20
	mostStrange = 20
	// mostKinds bounds what is counted apart; the rest is one more.
	mostKinds = 32
)

// calm counts what is not written one by one. Its zero value works.
type calm struct {
	mu    sync.Mutex // guards the fields below
	hosts map[fusion.HostID]*counts
	timer *time.Timer // runs while there are hosts
	over  bool
}

// counts is one computer's minute; strangers share that of "".
type counts struct {
	deeds, refused int
	more           map[kind]*Record
}

// kind is what is counted together.
type kind struct{ what, object, result string }

// admit says whether a record is written by itself; else it was counted.
func (c *calm) admit(l *Log, r Record) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.of(l, r)
	switch {
	case r.What == Looks:
	case r.Result == Refused:
		most := mostRefused
		if r.Stranger {
			most = mostStrange
		}
		if n.refused++; n.refused <= most {
			return true
		}
	default:
		if n.deeds++; n.deeds <= mostDeeds {
			return true
		}
	}
	k := kind{r.What, clip(r.Object), r.Result}
	if n.more[k] == nil && len(n.more) >= mostKinds {
		k = kind{"more", "", r.Result}
	}
	sum := n.more[k]
	if sum == nil {
		sum = &Record{Host: r.Host, Name: r.Name, Stranger: r.Stranger, What: k.what, Object: k.object, Result: k.result}
		if r.Stranger {
			sum.Host, sum.Name = "", ""
		}
		n.more[k] = sum
	}
	sum.Times++
	sum.In += r.In
	sum.Out += r.Out
	return false
}

// of gives the counts of who made a record; mu is held.
func (c *calm) of(l *Log, r Record) *counts {
	id := r.Host
	if r.Stranger {
		id = ""
	}
	if c.hosts == nil {
		c.hosts = map[fusion.HostID]*counts{}
	}
	n := c.hosts[id]
	if n == nil {
		n = &counts{more: map[kind]*Record{}}
		c.hosts[id] = n
	}
	if c.timer == nil && !c.over {
		l.running.Add(1)
		c.timer = time.AfterFunc(window, func() {
			defer l.running.Done()
			c.flush(l, false)
		})
	}
	return n
}

// flush writes what was counted and begins a new minute, unless it was the last.
func (c *calm) flush(l *Log, last bool) {
	c.mu.Lock()
	c.over = c.over || last
	hosts := c.hosts
	c.hosts = nil
	if c.timer != nil && c.timer.Stop() {
		l.running.Done()
	}
	c.timer = nil
	c.mu.Unlock()
	for _, n := range hosts {
		for _, r := range n.more {
			if err := l.append(*r, false); err != nil {
				l.cfg.Log.Warn("what other computers did is not written down", "err", err)
			}
		}
	}
}

// Record writes down what was done. durable waits for the disk, as for what needs admin;
// such a record is never counted only. It promises ErrBusy when it cannot be written.
func (l *Log) Record(r Record, durable bool) error {
	counted := r.Stranger || r.Host != "" && (!durable || r.Result == Refused)
	if counted && !l.calm.admit(l, r) {
		return nil
	}
	return l.append(r, durable)
}

// Look counts that a computer looked at what there is.
func (l *Log) Look(host fusion.HostID, name string) {
	l.calm.admit(l, Record{Host: host, Name: name, What: Looks, Result: OK})
}
