package vmctl

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"hither/fusion"
)

// machineArch is what a machine that Create makes runs (plan.domain).
const machineArch = "x86_64"

// builtin are the cloud images that every release knows.
//
//go:embed catalogue.json
var builtin []byte

// catalogue is what a Store knows where to fetch. It is read when it is first
// asked for: the database beside the built-in list has hundreds of files.
type catalogue struct {
	osinfo string // directory of libosinfo's database
	once   sync.Once
	list   []fusion.CatalogueImage
	signed map[string]signature // by name
	err    error
}

func (c *catalogue) all() ([]fusion.CatalogueImage, error) {
	c.once.Do(func() {
		if c.err = json.Unmarshal(builtin, &c.list); c.err != nil {
			return
		}
		if c.signed, c.err = readSigned(builtin); c.err != nil {
			return
		}
		known := map[string]bool{}
		for _, image := range c.list {
			known[image.Name] = true
		}
		for _, image := range osinfoMedia(c.osinfo) {
			if !known[image.Name] {
				c.list = append(c.list, image)
			}
		}
		for i := range c.list {
			c.list[i].Runs = c.list[i].Arch == machineArch
		}
	})
	return c.list, c.err
}

func (c *catalogue) find(name string) (fusion.CatalogueImage, bool, error) {
	list, err := c.all()
	i := slices.IndexFunc(list, func(x fusion.CatalogueImage) bool { return x.Name == name })
	if i < 0 {
		return fusion.CatalogueImage{}, false, err
	}
	return list[i], true, err
}

// Catalogue gives the built-in list, then the installation media of libosinfo's
// database if that is installed.
func (i images) Catalogue(ctx context.Context) ([]fusion.CatalogueImage, error) {
	list, err := i.s.catalogue.all()
	if err != nil {
		return nil, err
	}
	return slices.Clone(list), ctx.Err()
}

const opFetch = "image.fetch"

// order is what is to be fetched, from where, and what it must be.
type order struct {
	name       string // in the pool
	url        string
	sum        string // "" when nobody has told
	sumsURL    string // who tells
	signed     signature
	arch, user string
}

// id names the bytes that are wanted, as far as they are known.
func (o order) id() string { return cmp.Or(o.sum, o.url) }

// ordered finds out what a spec means. It does no I/O but to read the catalogue.
func (s *Store) ordered(spec fusion.FetchSpec) (order, error) {
	if err := spec.Check(); err != nil {
		return order{}, err
	}
	o := order{name: spec.As(), url: spec.From, sum: spec.Sum}
	if fusion.IsURL(spec.From) {
		return o, nil
	}
	known, there, err := s.catalogue.find(spec.From)
	switch {
	case err != nil:
		return o, fail(opFetch, spec.From, err)
	case !there:
		return o, &fusion.Error{Op: opFetch, Path: spec.From, Cause: fusion.ErrNotFound, Detail: "the catalogue has no such image",
			Hint: "hither image catalog lists what there is; or give an address"}
	}
	o.url, o.arch, o.user = known.URL, known.Arch, known.User
	if o.sum == "" {
		o.sum, o.sumsURL, o.signed = known.Sum, known.SumsURL, s.catalogue.signed[known.Name]
	}
	return o, nil
}

// wrongArch refuses an image for other processors.
func wrongArch(op, name, arch string) error {
	if arch == "" || arch == machineArch {
		return nil
	}
	return invalid(op, name, fmt.Sprintf("the image is for %s, machines here are %s", arch, machineArch),
		"choose the image for x86-64 (amd64)")
}
