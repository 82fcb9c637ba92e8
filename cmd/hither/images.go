package main

import (
	"cmp"
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func imageCommand(g *globals) *cobra.Command {
	return group("image", "Images of disks and CDs that machines are made of", imageLs(g), imageCatalog(g), imageFetch(g), imageDeploy(g), imageRm(g))
}

func imageLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls [HOST]", Short: "List the images in the pool of a host, or of all that are online", Args: between(0, 1, "HOST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := listed(g, cmd, args, func(h fusion.Host) ([]fusion.Image, error) { return h.Images().List(cmd.Context()) }, imagesOf)
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printImages(w, list) })
		},
	}
}

func imagesOf(ctx context.Context, c *client.Client, h fusion.HostInfo) ([]fusion.Image, error) {
	list, err := asked(c, h).Images().List(ctx)
	for i := range list {
		list[i].Host = cmp.Or(list[i].Host, h.Name)
	}
	return list, err
}

func printImages(w io.Writer, list []fusion.Image) error {
	t := newTable("IMAGE", "FORMAT", "SIZE", "DISK", "ADDED", "USED BY", "SUM")
	for _, i := range list {
		disk := ""
		if i.DiskBytes > 0 {
			disk = bytesText(i.DiskBytes)
		}
		t.add(i.Host+"/"+i.Name, cmp.Or(string(i.Format), "unknown"), bytesText(i.Bytes), disk, ago(time.Now(), i.Added),
			strings.Join(i.UsedBy, " "), shortSum(i.Sum))
	}
	return t.write(w)
}

// shortSum is enough of a sum to tell images apart.
func shortSum(sum string) string {
	kind, digits, found := strings.Cut(sum, ":")
	if !found || len(digits) < 12 {
		return sum
	}
	return kind + ":" + digits[:12] + "…"
}

func imageCatalog(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "catalog [HOST]", Aliases: []string{"catalogue"}, Short: "List the images that a host knows where to fetch", Args: between(0, 1, "HOST"),
		Long: "List the images that a host knows where to fetch: cloud images first, of which a machine\n" +
			"is made in one step, then the installation media of libosinfo's database, if that is\n" +
			"installed there (package osinfo-db).",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			list, err := c.Host(strings.Join(args, "")).Images().Catalogue(cmd.Context())
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printCatalogue(w, list) })
		},
	}
}

func printCatalogue(w io.Writer, list []fusion.CatalogueImage) error {
	t := newTable("NAME", "TITLE", "FORMAT", "ARCH", "USER", "CHECKED")
	for _, i := range list {
		checked := "no"
		if i.Sum != "" || i.SumsURL != "" {
			checked = "yes"
		}
		t.add(i.Name, i.Title, string(i.Format), i.Arch, i.User, checked)
	}
	return t.write(w)
}

func imageFetch(g *globals) *cobra.Command {
	var spec fusion.FetchSpec
	cmd := &cobra.Command{
		Use: "fetch [HOST/]NAME|[HOST/]URL", Short: "Bring an image into a host's pool", Args: exactly("NAME"),
		Long: "Bring an image into a host's pool: a NAME of the catalogue, or what is at a URL (http or\n" +
			"https), which needs admin on another host. Your other computers that have it are asked\n" +
			"first. What broke off goes on where it was when it is fetched again.",
		Example: "  hither image fetch nas/debian-13\n" +
			"  hither image fetch https://example.org/disk.qcow2 --sum sha256:…",
		RunE: func(cmd *cobra.Command, args []string) error {
			var host string
			host, spec.From = imageAddress(args[0])
			if err := spec.Check(); err != nil {
				return usage(err)
			}
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			h := c.Host(host)
			var image fusion.Image
			err = following(cmd, h, "image.fetch", spec.As(), func(ctx context.Context) (err error) {
				image, err = h.Images().Fetch(ctx, spec)
				return err
			})
			if err != nil {
				return err
			}
			return g.show(cmd, image, func(w io.Writer) error { return printImages(w, []fusion.Image{image}) })
		},
	}
	cmd.Flags().StringVar(&spec.Sum, "sum", "", "what must come, a `SUM` such as sha256:… or sha512:…")
	cmd.Flags().StringVar(&spec.Name, "name", "", "what it is called in the pool (default: its name, or the last part of the URL)")
	return cmd
}

// imageAddress reads NAME, HOST/NAME, URL or HOST/URL.
func imageAddress(text string) (host, image string) {
	before, after, found := strings.Cut(text, "/")
	if !found || strings.HasSuffix(before, ":") {
		return "", text
	}
	return before, after
}

func imageRm(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "rm [HOST/]NAME", Short: "Delete an image that no machine has in a drive", Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.thing(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return host.Images().Remove(cmd.Context(), address.Machine)
		},
	}
}
