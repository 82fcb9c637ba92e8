package main

import (
	"cmp"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

// siteFlags are those of what is published by name.
type siteFlags struct {
	http, https, user, password, email string
	plain                              int
	agree                              bool
}

func (f *siteFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.http, "http", "", "publish a web service under this `NAME`, by HTTP")
	cmd.Flags().StringVar(&f.https, "https", "", "publish a web service under this `NAME`, by HTTPS with a certificate")
	cmd.Flags().StringVar(&f.user, "user", "", "ask visitors for this `NAME` beside the password")
	cmd.Flags().StringVar(&f.password, "password-file", "", "ask visitors for a password, the first line of `FILE`")
	cmd.Flags().BoolVar(&f.agree, "agree", false, "accept the terms of the CA, which a certificate needs")
	cmd.Flags().StringVar(&f.email, "email", "", "an `ADDRESS` that the CA writes to")
	cmd.Flags().IntVar(&f.plain, "plain", 80, "the `PORT` that leads HTTP to HTTPS; 0 for none (default 80 beside 443, else none)")
	cmd.MarkFlagsMutuallyExclusive("http", "https", "udp")
}

func (f *siteFlags) named() bool { return f.http+f.https != "" }

// publish makes a spec one of a site.
func (f *siteFlags) publish(cmd *cobra.Command, spec *fusion.TunnelSpec) (err error) {
	spec.Site = fusion.Site{Name: strings.ToLower(strings.TrimSuffix(cmp.Or(f.https, f.http), ".")), TLS: f.https != "", Agreed: f.agree, Email: f.email}
	if _, port, err := net.SplitHostPort(spec.Listen); spec.Site.TLS && (cmd.Flags().Changed("plain") || err == nil && port == "443") {
		spec.Site.Plain = f.plain
	}
	spec.User = f.user
	if f.password != "" {
		if spec.Password, err = passwordOf(f.password); err != nil {
			return err
		}
	}
	return spec.Check()
}

func publishCommand(g *globals) *cobra.Command {
	f := tunnelFlags{reverse: true, open: true}
	var site siteFlags
	cmd := &cobra.Command{
		Use: "publish LOCAL HOST:PORT | publish --https NAME LOCAL HOST[:PORT]", Short: "Let everybody who reaches another computer reach a service of this one", Args: exactly("LOCAL", "HOST:PORT"),
		Long: "Let everybody who reaches HOST's port reach a service of this computer: PORT of this\n" +
			"computer, ADDRESS:PORT of what it reaches, or /MACHINE:PORT of a machine of it.\n\n" +
			"HOST listens on all its IPv4 addresses, with HOST:ADDRESS:PORT on that one, and must have\n" +
			"granted admin. Nothing is asked of those who come, and nothing is encrypted beyond HOST: the\n" +
			"service does that itself. It is listed by hither forward ls and ended by hither forward rm.\n\n" +
			"With --https NAME a web service is published by name, at port 443 of HOST, or with --http\n" +
			"NAME at port 80; several names share a port. NAME must lead to HOST in the DNS. HOST gets a\n" +
			"certificate, for which --agree accepts the terms of the CA, and renews it; HTTP at port 80\n" +
			"leads to HTTPS. HOST must have granted admin, or tunnel@https:NAME. With --password-file\n" +
			"visitors are asked for a password, of which a hash is kept.",
		Example: "  hither publish 25565 cloud:25565\n  hither publish --udp /game:27015 cloud:27015\n" +
			"  hither publish --https www.example.org --agree 8080 cloud",
		RunE: func(cmd *cobra.Command, args []string) error {
			there := publishedAt(args[1], &site)
			spec, err := f.spec(args[0], there)
			switch {
			case err != nil:
			case site.named():
				err = site.publish(cmd, &spec)
			case site != siteFlags{plain: site.plain}:
				err = &fusion.Error{Op: "publish", Path: args[1], Cause: fusion.ErrInvalid, Detail: "that is for what is published by name", Hint: "add --https NAME, or leave it out"}
			case fusion.Loopback(spec.Listen):
				err = &fusion.Error{Op: "publish", Path: args[1], Cause: fusion.ErrInvalid, Detail: "nobody else reaches that address", Hint: "to listen for HOST alone: hither forward --reverse LOCAL HOST:PORT"}
			}
			if err != nil {
				return usage(err)
			}
			return g.addTunnel(cmd, spec)
		},
	}
	cmd.Flags().BoolVar(&f.udp, "udp", false, "datagrams instead of connections")
	f.addKept(cmd)
	site.add(cmd)
	return cmd
}

// publishedAt gives where a host listens, as forward --reverse reads it: on all its addresses
// when none is named, and for a name at the usual port.
func publishedAt(text string, site *siteFlags) string {
	host, port, ok := strings.Cut(text, ":")
	switch {
	case !ok && site.https != "":
		port = "443"
	case !ok && site.http != "":
		port = "80"
	case !ok:
		return text
	}
	if _, err := strconv.Atoi(port); err != nil {
		return text
	}
	return host + ":0.0.0.0:" + port
}
