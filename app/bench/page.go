//go:build linux

package main

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"hither/fusion"
)

// watching runs in each new document: it notes when the library has all machines, and
// the frame after that.
const watching = `(() => {
	const all = 'li[aria-setsize="%d"]';
	window.bench = {};
	new MutationObserver(() => {
		if (bench.complete || !document.querySelector(all + ' article')) return;
		bench.complete = performance.now();
		requestAnimationFrame(() => requestAnimationFrame((now) => (bench.painted = now)));
	}).observe(document, { childList: true, subtree: true });
})()`

// page measures the library in Chromium.
func (r *report) page(ctx context.Context, p plan, n *node) error {
	b, end, err := openBrowser(ctx, n)
	if err != nil {
		return err
	}
	defer end()
	for _, part := range []func(*browser, plan) error{r.opens, r.returns, r.scrolls, r.pageChanges} {
		if err := part(b, p); err != nil {
			return fmt.Errorf("browser: %w", err)
		}
	}
	return nil
}

type browser struct {
	ctx  context.Context
	node *node
	link *url.URL
}

// openBrowser starts Chromium, signed in to a node.
func openBrowser(ctx context.Context, n *node) (*browser, func(), error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, nil, &fusion.Error{Op: "bench", Path: "chromium", Cause: fusion.ErrNotFound, Hint: "run build/deps.sh test, or say -browser=false"}
	}
	text, err := n.link(ctx)
	if err != nil {
		return nil, nil, err
	}
	link, err := url.Parse(text)
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 800),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, endAll := chromedp.NewExecAllocator(ctx, options...)
	ctx, endPage := chromedp.NewContext(ctx)
	b := &browser{ctx: ctx, node: n, link: link}
	link.Path = "/library"
	err = chromedp.Run(ctx, performance.Enable(),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := page.AddScriptToEvaluateOnNewDocument(fmt.Sprintf(watching, n.count)).Do(ctx)
			return err
		}),
		chromedp.Navigate(link.String()))
	link.Fragment = ""
	end := func() { endPage(); endAll() }
	if err == nil {
		_, err = b.opened()
	}
	if err != nil {
		end()
	}
	return b, end, err
}

// settled evaluates a promise and waits for its value.
func settled(script string, out any) chromedp.Action {
	return chromedp.Evaluate(script, out, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) })
}

// painted gives when the library had all machines on the glass, since the page began.
const painted = `new Promise((done) => { const look = () => bench.painted ? done(bench.painted) : setTimeout(look, 5); look(); })`

func (b *browser) opened() (time.Duration, error) {
	var ms float64
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	err := chromedp.Run(ctx, settled(painted, &ms))
	return time.Duration(ms * float64(time.Millisecond)), err
}

// worked gives the processor time that the page's main thread has used since its
// document began: what a busy computer does not change.
func (b *browser) worked() (time.Duration, error) {
	var seconds float64
	err := chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		metrics, err := performance.GetMetrics().Do(ctx)
		for _, m := range metrics {
			if m.Name == "ThreadTime" {
				seconds = m.Value
			}
		}
		return err
	}))
	return time.Duration(seconds * float64(time.Second)), err
}

// opens loads the page anew, from the request on.
func (r *report) opens(b *browser, p plan) error {
	var took, work []time.Duration
	for range p.opens {
		if err := chromedp.Run(b.ctx, chromedp.Navigate("about:blank")); err != nil {
			return err
		}
		before, err := b.worked()
		if err != nil {
			return err
		}
		if err := chromedp.Run(b.ctx, chromedp.Navigate(b.link.String())); err != nil {
			return err
		}
		one, err := b.opened()
		if err != nil {
			return err
		}
		after, err := b.worked()
		if err != nil {
			return err
		}
		took, work = append(took, one), append(work, max(0, after-before))
	}
	r.add("page: opened anew → library complete on the glass", took, atMost{p99: 2000})
	r.add("page: processor time of its main thread for that", work, atMost{})
	return nil
}

// returns opens the library from another page of the same tab.
func (r *report) returns(b *browser, p plan) error {
	const away = `document.querySelector('nav a[href="/settings"]').click()`
	const back = `new Promise((done) => {
		bench.complete = bench.painted = 0;
		const from = performance.now();
		document.querySelector('nav a[href="/library"]').click();
		const look = () => bench.painted ? done(bench.painted - from) : setTimeout(look, 5);
		look();
	})`
	var took []time.Duration
	for range p.opens {
		var ms float64
		if err := chromedp.Run(b.ctx, chromedp.Evaluate(away, nil), chromedp.WaitReady(`input[type=radio]`), settled(back, &ms)); err != nil {
			return err
		}
		took = append(took, time.Duration(ms*float64(time.Millisecond)))
	}
	r.add("page: back to the library → complete on the glass", took, atMost{p99: 300})
	return nil
}

// scrolling scrolls through everything, so many pixels a frame. It gives the frames'
// times and how many of them showed nothing where a card has to be.
const scrolling = `new Promise((done) => {
	const view = document.getElementById('content');
	view.scrollTop = 0;
	const frames = [];
	let last = 0, empty = 0, cards = 0;
	const step = (now) => {
		if (last) frames.push(now - last);
		last = now;
		const box = view.getBoundingClientRect();
		const at = (y) => document.elementsFromPoint(box.left + 150, y).some((e) => e.matches('article, h1, h2, section > div'));
		const middle = box.top + box.height / 2;
		if (!at(middle) && !at(middle + 24)) empty++;
		cards = Math.max(cards, document.querySelectorAll('article').length);
		if (view.scrollTop + view.clientHeight >= view.scrollHeight - 1) return done({ frames, empty, cards });
		view.scrollTop += %d;
		requestAnimationFrame(step);
	};
	requestAnimationFrame(step);
})`

// scrolls scrolls as a hand does and as a scroll bar does.
func (r *report) scrolls(b *browser, _ plan) error {
	for _, speed := range []struct {
		what   string
		pixels int
		p99    float64
		work   float64
	}{{"120 px a frame", 120, 34, 12}, {"1200 px a frame", 1200, 0, 0}} {
		var got struct {
			Frames []float64 `json:"frames"`
			Empty  int       `json:"empty"`
			Cards  int       `json:"cards"`
		}
		before, err := b.worked()
		if err != nil {
			return err
		}
		if err := chromedp.Run(b.ctx, settled(fmt.Sprintf(scrolling, speed.pixels), &got)); err != nil {
			return err
		}
		after, err := b.worked()
		if err != nil {
			return err
		}
		var frames []time.Duration
		for _, ms := range got.Frames {
			frames = append(frames, time.Duration(ms*float64(time.Millisecond)))
		}
		r.add("page: a frame while scrolling through all, "+speed.what, frames, atMost{p99: speed.p99})
		r.number("page: processor time of its main thread a frame, "+speed.what, float64((after-before).Microseconds())/1000/float64(len(frames)), speed.work)
		r.none("page: frames without cards, "+speed.what, got.Empty)
		r.number("page: most cards in the document", float64(got.Cards), 60)
	}
	return nil
}

// pageChanges takes the time from a request to the card that shows its new state.
func (r *report) pageChanges(b *browser, p plan) error {
	const wait = `(() => {
		bench.changed = new Promise((done) => {
			const card = document.querySelector('article[data-machine="%s"]');
			const seen = new MutationObserver(() => { if (card.dataset.state === '%s') { seen.disconnect(); done(Date.now()); } });
			seen.observe(card, { attributes: true });
		});
	})()`
	var took []time.Duration
	name := machineName(0)
	top := chromedp.Evaluate(`document.getElementById('content').scrollTop = 0`, nil)
	if err := chromedp.Run(b.ctx, top, chromedp.WaitReady(`article[data-machine="`+name+`"]`)); err != nil {
		return err
	}
	for i := range p.changes {
		verb, state := fusion.Pause, fusion.Paused
		if i%2 == 1 {
			verb, state = fusion.Resume, fusion.Running
		}
		if err := chromedp.Run(b.ctx, chromedp.Evaluate(fmt.Sprintf(wait, name, state), nil)); err != nil {
			return err
		}
		start := time.Now()
		if err := b.node.host.Machines().Do(b.ctx, name, verb); err != nil {
			return err
		}
		var at float64
		ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
		err := chromedp.Run(ctx, settled(`bench.changed`, &at))
		cancel()
		if err != nil {
			return err
		}
		took = append(took, max(0, time.UnixMilli(int64(at)).Sub(start)))
	}
	r.add("page: state change → its card", took, atMost{p99: 100})
	return nil
}
