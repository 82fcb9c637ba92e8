package tray

import (
	"context"
	"fmt"
	"image/color"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"hither/fusion"
)

// pairing is the window that shows a code and takes another's. Its goroutines
// (the offer, its clock, a join) are started with run and end when it is closed.
type pairing struct {
	node   Node
	words  Words
	window fyne.Window

	ctx    context.Context
	cancel context.CancelFunc
	run    func(func()) // starts a goroutine that somebody waits for
	draw   func(func()) // does something on Fyne's goroutine

	code   *canvas.Text
	left   *widget.Label
	again  *widget.Button
	entry  *widget.Entry
	join   *widget.Button
	result *widget.Label
}

// newPairing makes the window and offers a code; closed is called once it is
// closed.
func newPairing(ctx context.Context, run, draw func(func()), app fyne.App, node Node, words Words, closed func()) *pairing {
	p := &pairing{run: run, draw: draw, node: node, words: words, window: app.NewWindow(words.PairTitle)}
	p.ctx, p.cancel = context.WithCancel(fusion.WithTrace(ctx, fusion.NewTrace()))
	p.build()
	p.window.SetOnClosed(func() {
		p.cancel()
		closed()
	})
	p.offer()
	return p
}

func (p *pairing) build() {
	w := p.words
	p.code = canvas.NewText("…", theme.Color(theme.ColorNameForeground))
	p.code.TextSize = 30
	p.code.TextStyle = fyne.TextStyle{Monospace: true}
	p.left = widget.NewLabel("")
	p.again = widget.NewButton(w.NewCode, p.offer)
	p.again.Hide()
	p.entry = widget.NewEntry()
	p.entry.SetPlaceHolder(w.TheirCodeHelp)
	p.entry.OnSubmitted = func(string) { p.enter() }
	p.join = widget.NewButton(w.Join, p.enter)
	p.join.Importance = widget.HighImportance
	p.result = widget.NewLabel("")
	p.result.Wrapping = fyne.TextWrapWord
	warning := widget.NewLabel(w.PairWarning)
	warning.Wrapping = fyne.TextWrapWord
	head := func(text string) fyne.CanvasObject {
		return widget.NewLabelWithStyle(text, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	}
	space := canvas.NewRectangle(color.Transparent)
	space.SetMinSize(fyne.NewSize(520, 4))
	p.window.SetContent(container.NewPadded(container.NewVBox(
		head(w.YourCode), inset(p.code), container.NewBorder(nil, nil, nil, p.again, p.left), widget.NewLabel(w.CodeHelp),
		widget.NewSeparator(),
		head(w.TheirCode), inset(container.NewBorder(nil, nil, nil, p.join, p.entry)),
		space, warning, p.result,
	)))
	p.window.CenterOnScreen()
}

// inset puts what has no padding of its own in line with the labels.
func inset(o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(0, 0, theme.InnerPadding(), theme.InnerPadding()), o)
}

// offer shows a code until it is used or runs out.
func (p *pairing) offer() {
	p.again.Hide()
	p.run(func() {
		ctx, cancel := context.WithCancel(p.ctx)
		defer cancel()
		var failed error
		for o, err := range p.node.Offer(ctx) {
			switch {
			case err != nil:
				failed = err
			case o.Host != nil:
				p.done(*o.Host)
				return
			default:
				p.show(o)
				p.run(func() { p.tick(ctx, o.Expires) })
			}
		}
		cancel()
		if p.ctx.Err() == nil {
			p.draw(func() { p.expired(failed) })
		}
	})
}

func (p *pairing) show(o Offer) {
	p.draw(func() {
		p.code.Text = o.Code
		p.code.Refresh()
		p.left.SetText(p.words.left(time.Until(o.Expires)))
	})
}

func (p *pairing) tick(ctx context.Context, expires time.Time) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-second.C:
			p.draw(func() {
				if ctx.Err() == nil {
					p.left.SetText(p.words.left(time.Until(expires)))
				}
			})
		}
	}
}

func (p *pairing) expired(err error) {
	p.code.Text = "—"
	p.code.Refresh()
	p.left.SetText(p.words.CodeGone)
	if err != nil {
		p.result.SetText(words(err))
	}
	p.again.Show()
}

// enter pairs with the code that was typed.
func (p *pairing) enter() {
	code := strings.TrimSpace(p.entry.Text)
	if code == "" || p.join.Disabled() {
		return
	}
	p.join.Disable()
	p.result.SetText(p.words.Joining)
	p.run(func() {
		host, err := p.node.Join(p.ctx, code)
		if err == nil {
			p.done(host)
			return
		}
		p.draw(func() {
			p.result.SetText(words(err))
			p.join.Enable()
		})
	})
}

// done shows whom this computer is paired with now.
func (p *pairing) done(host fusion.HostInfo) {
	p.draw(func() {
		p.result.SetText(fmt.Sprintf(p.words.Paired, clip(host.Name), host.Fingerprint))
		p.entry.SetText("")
		p.join.Enable()
		p.code.Text = "✓"
		p.code.Refresh()
		p.left.SetText("")
		p.again.Show()
	})
}
