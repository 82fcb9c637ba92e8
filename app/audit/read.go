package audit

import (
	"context"
	"errors"
	"slices"
	"time"

	"hither/fusion"
)

// Query says which records are wanted; its zero value is the newest of all.
type Query struct {
	Host  fusion.HostID // of this computer alone, "" for all
	Since time.Time     // zero for all
	// Before is a Seq: records before it, 0 for all. It pages back.
	Before uint64
	Limit  int // 1 to MostRecords; others are taken for it
}

// MostRecords bounds an answer.
const MostRecords = 1000

// From is where the log is complete from: the first record that is left.
type From struct {
	Seq  uint64
	Time time.Time
}

func (q Query) wants(r Record) bool {
	return (q.Host == "" || r.Host == q.Host) && !r.Time.Before(q.Since) && (q.Before == 0 || r.Seq < q.Before)
}

var errEnough = errors.New("enough")

// Find gives the newest records that a query wants, oldest first, whether there are more
// before them, and where the log is complete from.
func (l *Log) Find(ctx context.Context, q Query) (list []Record, more bool, from From, err error) {
	if q.Limit < 1 || q.Limit > MostRecords {
		q.Limit = MostRecords
	}
	all := l.files()
	for i := len(all) - 1; i >= 0 && !more; i-- {
		if err := ctx.Err(); err != nil {
			return nil, false, from, err
		}
		var part []Record
		_, err := scan(all[i].path, func(r Record) error {
			if q.wants(r) {
				if part = append(part, r); len(part) > q.Limit+1 {
					part = part[1:]
				}
			}
			return nil
		})
		if err != nil {
			return nil, false, from, &fusion.Error{Op: "audit.list", Path: all[i].path, Cause: err}
		}
		list = append(part, list...)
		if extra := len(list) - q.Limit; extra > 0 {
			list, more = list[extra:], true
		}
	}
	if len(all) > 0 {
		_, err = scan(all[0].path, func(r Record) error { from = From{r.Seq, r.Time}; return errEnough })
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return list, more, from, err
}

// files gives the log's files, oldest first.
func (l *Log) files() []segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// subscriber is one Follow. Its queue is bounded; one that is too slow is cut off.
type subscriber struct {
	records chan Record // closed when it was too slow, or the log closes
}

const subscriberQueue = 1024

// publish tells those who follow; mu is held.
func (l *Log) publish(r Record) {
	for sub := range l.subs {
		select {
		case sub.records <- r:
		default:
			close(sub.records)
			delete(l.subs, sub)
		}
	}
}

// Follow calls f with each record after the one with a number, those that are there and
// then those to come, until ctx ends or f fails. It promises ErrBusy for one that is too
// slow.
func (l *Log) Follow(ctx context.Context, after uint64, f func(Record) error) error {
	sub := &subscriber{make(chan Record, subscriberQueue)}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return errClosed
	}
	l.subs[sub] = true
	upTo := l.seq
	all := slices.Clone(l.all)
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.subs, sub)
	}()
	if after < upTo {
		for _, s := range all {
			_, err := scan(s.path, func(r Record) error {
				if r.Seq <= after || r.Seq > upTo {
					return ctx.Err()
				}
				return f(r)
			})
			if err != nil {
				return err
			}
		}
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r, open := <-sub.records:
			if !open {
				return &fusion.Error{Op: "audit.follow", Cause: fusion.ErrBusy, Detail: "the reader is too slow, or the node stops", Hint: "follow it again"}
			}
			if r.Seq <= after {
				continue
			}
			if err := f(r); err != nil {
				return err
			}
		}
	}
}

var errClosed = &fusion.Error{Op: "audit", Cause: fusion.ErrOffline, Detail: "the node is stopping"}
