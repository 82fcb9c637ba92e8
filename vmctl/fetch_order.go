package vmctl

import (
	"cmp"

	"hither/fusion"
	"hither/vmctl/catalogue"
)

const opFetch = "image.fetch"

// order is what is to be fetched, from where, and what it must be.
type order struct {
	name       string // in the pool
	url        string
	sum        string // "" when nobody has told
	sumsURL    string // who tells
	signed     catalogue.Signature
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
	known, there, err := s.catalogue.Find(spec.From)
	switch {
	case err != nil:
		return o, fail(opFetch, spec.From, err)
	case !there:
		return o, &fusion.Error{Op: opFetch, Path: spec.From, Cause: fusion.ErrNotFound, Detail: "the catalogue has no such image",
			Hint: "hither image catalog lists what there is; or give an address"}
	}
	o.url, o.arch, o.user = known.URL, known.Arch, known.User
	if o.sum == "" {
		o.sum, o.sumsURL, o.signed = known.Sum, known.SumsURL, s.catalogue.Signer(known.Name)
	}
	return o, nil
}
