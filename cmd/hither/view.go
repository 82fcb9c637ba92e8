package main

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
	"hither/mirror/surface"
)

func viewCommand(g *globals) *cobra.Command {
	var options fusion.ViewOptions
	cmd := &cobra.Command{
		Use: "view MACHINE", Short: "Open a machine's screen, or one of its apps, in a window", Args: exactly("MACHINE"),
		Long: "Open a machine's screen in a window. HOST/MACHINE/APP launches the app, and\n" +
			"HOST/MACHINE/INSTANCE takes up an app that runs already; each of its windows is then a\n" +
			"window here.\n\n" + viewKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := fusion.ParseAddress(args[0])
			if err != nil {
				return usage(err)
			}
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			v := &viewer{c: c, address: address, options: options}
			if err := v.find(cmd.Context()); err != nil {
				return err
			}
			return v.show(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&options.ViewOnly, "view-only", false, "send no keys and no mouse")
	return cmd
}

// viewKeys is the help on the keys that a window keeps for itself.
const viewKeys = "Keys in a window:\n" +
	"  Ctrl+Alt+Enter  full screen, or back; a machine's screen also gets the keyboard\n" +
	"  Ctrl+Alt+G      take the keyboard, so that Alt+Tab goes there, or give it back\n" +
	"  Ctrl+Alt+I      show latency, frame rate, bytes, codec and path, or hide them"

// viewer shows one screen in a window of this program.
type viewer struct {
	c        *client.Client
	address  fusion.Address
	options  fusion.ViewOptions
	screen   fusion.Screen
	launched bool // the app is ours to end
}

func (v *viewer) host() fusion.Host { return v.c.Host(v.address.Host) }

// find sets screen: the machine's own, a running app's, or a launched one's.
func (v *viewer) find(ctx context.Context) error {
	if v.address.App == "" {
		v.screen = fusion.Screen{Name: v.address.Machine, Machine: v.address.Machine}
		return nil
	}
	running, err := v.host().Screens().List(ctx, v.address.Machine)
	if err != nil {
		return err
	}
	for _, s := range running {
		if s.Kind == fusion.ScreenApp && s.Name == v.address.Machine+"/"+v.address.App {
			v.screen = s
			return nil
		}
	}
	return v.launch(ctx, nil)
}

// launch starts the app and sets screen to what shows it.
func (v *viewer) launch(ctx context.Context, files []string) error {
	screen, err := v.host().Apps().Run(ctx, v.address.Machine, v.address.App, files)
	if err != nil {
		return err
	}
	v.screen, v.launched = screen, true
	return nil
}

// show opens the window and returns when it is closed or the source ended. An
// app that this command launched does not outlive it.
func (v *viewer) show(ctx context.Context) error {
	err := v.window(ctx)
	if err == nil || !v.launched {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if end := v.host().Apps().End(ctx, v.screen.Name); end != nil && !errors.Is(end, fusion.ErrNotFound) {
		return errors.Join(err, end)
	}
	return err
}

// endTimeout is more than the grace that Apps.End gives.
const endTimeout = 15 * time.Second

func (v *viewer) window(ctx context.Context) error {
	asking := sync.OnceValues(func() (fusion.HostInfo, error) { return v.host().Info(ctx) })
	go asking() // while the screen is opened
	options := v.options
	options.Windows = v.screen.Kind == fusion.ScreenApp // an older host shows its display as one picture
	open := func(ctx context.Context) (fusion.Pipe, error) {
		return v.host().Screens().Open(ctx, v.screen.Name, options)
	}
	pipe, err := open(ctx)
	if err != nil {
		return err
	}
	info, err := asking()
	if err != nil {
		return errors.Join(err, pipe.Close())
	}
	return surface.Run(ctx, pipe, surface.Config{
		Title:  cmp.Or(v.screen.Title, v.address.Machine),
		Host:   info.Name,
		AppID:  windowClass(info.ID, v.screen),
		Color:  hostColor(info.Color),
		Path:   (&hostPath{host: v.host()}).String,
		Reopen: open,
	})
}
