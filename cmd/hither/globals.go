package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/app/home"
	"hither/fusion"
)

// globals are the flags that every command takes.
type globals struct {
	home string
	json bool
	yes  bool // of the commands that ask
}

// running gives the node of this home and starts none; its calls answer
// fusion.ErrOffline when there is none.
func (g *globals) running() (*client.Client, error) {
	h, err := home.Find(g.home)
	if err != nil {
		return nil, err
	}
	return client.Unix(h.Socket()), nil
}

// join gives the node of this home and starts it when none runs.
func (g *globals) join(ctx context.Context) (*client.Client, error) {
	h, err := home.Find(g.home)
	if err != nil {
		return nil, err
	}
	return client.Join(ctx, h)
}

// pasted is where files of other computers go that are pasted here; the home
// was found before.
func (g *globals) pasted() string {
	h, err := home.Find(g.home)
	if err != nil {
		return ""
	}
	return h.Pasted()
}

// machine joins the node and finds the host of a machine's address.
func (g *globals) machine(ctx context.Context, address fusion.Address) (fusion.Host, error) {
	c, err := g.join(ctx)
	if err != nil {
		return nil, err
	}
	return c.Host(address.Host), nil
}

// show prints value as JSON when asked, else calls human.
func (g *globals) show(cmd *cobra.Command, value any, human func(w io.Writer) error) error {
	if !g.json {
		return human(cmd.OutOrStdout())
	}
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}

// line prints value as one line of JSON.
func line(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}

// terminal says whether w is a screen that a person looks at.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && (isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd()))
}

// language gives the BCP 47 tag of the locale in the environment, or "".
func language() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		value, _, _ = strings.Cut(value, ".")
		value, _, _ = strings.Cut(value, "@")
		if value == "C" || value == "POSIX" {
			return ""
		}
		return strings.ReplaceAll(value, "_", "-")
	}
	return ""
}
