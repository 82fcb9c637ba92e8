package asks

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"hither/fusion"
)

func grants(t *testing.T, words ...string) []fusion.Grant {
	t.Helper()
	var out []fusion.Grant
	for _, w := range words {
		g, err := fusion.ParseGrant(w)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, g)
	}
	return out
}

func (b *Book) opened() (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.list() {
		out = append(out, fmt.Sprintf("%s %s %d", r.Name, r.Grant, r.Times))
	}
	return out
}

func TestARequestIsOneAndIsAnswered(t *testing.T) {
	now := time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC)
	b := &Book{Now: func() time.Time { return now }}
	for range 3 {
		b.Add("A", "nas", "view@web", "ScreenService/Connect")
	}
	now = now.Add(time.Second)
	b.Add("A", "nas", "control@web", "MachineService/Do")
	if got := fmt.Sprint(b.opened()); got != "[nas view@web 3 nas control@web 1]" {
		t.Fatal(got)
	}
	first := b.list()[0].ID
	b.Answered(first, false)
	if _, err := b.Get(first); !errors.Is(err, fusion.ErrNotFound) {
		t.Error(err)
	}
	b.Add("A", "nas", "view@web", "ScreenService/Connect")
	if got := fmt.Sprint(b.opened()); got != "[nas control@web 1]" {
		t.Error("what was refused is asked again:", got)
	}
	now = now.Add(quiet)
	b.Add("A", "nas", "view@web", "ScreenService/Connect")
	if got := fmt.Sprint(b.opened()); got != "[nas control@web 1 nas view@web 1]" {
		t.Error("after a day it may be asked again:", got)
	}
	b.GrantsChanged("A", grants(t, "control"), false)
	if got := fmt.Sprint(b.opened()); got != "[nas view@web 1]" {
		t.Error("what is granted is not asked for any more:", got)
	}
	b.GrantsChanged("A", nil, true)
	if got := b.opened(); len(got) != 0 {
		t.Error("who is forgotten asks for nothing:", got)
	}
}

func TestAFloodOfRequestsIsBounded(t *testing.T) {
	b := &Book{}
	for i := range 1000 {
		b.Add("A", "bad", fmt.Sprintf("view@m%d", i), "ScreenService/Connect")
	}
	b.Add("B", "good", "view@web", "ScreenService/Connect")
	if got := b.opened(); len(got) != perHost+1 {
		t.Errorf("%d are open", len(got))
	}
	for host := range 100 {
		b.Add(fusion.HostID(fmt.Sprint(host)), "many", "view", "ScreenService/Connect")
	}
	if got := b.opened(); len(got) != inAll {
		t.Errorf("%d are open", len(got))
	}
	for i := range 1000 {
		b.refuse(fusion.AccessRequest{Host: "A", Grant: fmt.Sprintf("view@m%d", i)})
	}
	if n := len(b.refused["A"]); n != kept {
		t.Errorf("%d refusals are remembered", n)
	}
}

func TestWhoWatchesHearsWhatIsNowAndEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Book{}
		b.Add("A", "nas", "view", "ScreenService/Connect")
		ctx, cancel := context.WithCancel(t.Context())
		var heard []string
		done := make(chan error)
		go func() {
			done <- b.Watch(ctx, func(r fusion.AccessRequest, removed bool) {
				heard = append(heard, fmt.Sprintf("%s %d %v", r.Grant, r.Times, removed))
			})
		}()
		synctest.Wait()
		b.Add("A", "nas", "view", "ScreenService/Connect") // sooner than it is told again
		synctest.Wait()
		time.Sleep(pace)
		b.Add("A", "nas", "view", "ScreenService/Connect")
		synctest.Wait()
		b.Answered(b.list()[0].ID, true)
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if got := fmt.Sprint(heard); got != "[view 1 false view 3 false view 3 true]" {
			t.Error(got)
		}
	})
}
