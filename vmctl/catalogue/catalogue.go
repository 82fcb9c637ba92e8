// Package catalogue knows which images can be fetched: those that every release names
// (catalogue.json), and the installation media of libosinfo's database where it is installed.
// It reads what publishers say of them, and believes a list that its publisher signs for the
// signature alone. It asks nobody.
package catalogue

import (
	_ "embed"
	"encoding/json"
	"slices"
	"sync"

	"hither/fusion"
)

// Arch is what machines here run (domxml.Plan).
const Arch = "x86_64"

// builtin are the cloud images that every release knows.
//
//go:embed catalogue.json
var builtin []byte

// Catalogue is what a Store knows where to fetch. It is read when it is first
// asked for: the database beside the built-in list has hundreds of files.
type Catalogue struct {
	osinfo string // directory of libosinfo's database
	once   sync.Once
	list   []fusion.CatalogueImage
	signed map[string]Signature // by name
	err    error
}

// New is a catalogue that has the media of libosinfo's database in a directory too.
func New(osinfo string) *Catalogue { return &Catalogue{osinfo: osinfo} }

// All gives the images, those of the release first. The list is not the caller's to change.
func (c *Catalogue) All() ([]fusion.CatalogueImage, error) {
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
			c.list[i].Runs = c.list[i].Arch == Arch
		}
	})
	return c.list, c.err
}

// Add puts an image first, in place of one of its name. It is not for use beside others.
func (c *Catalogue) Add(image fusion.CatalogueImage, by Signature) error {
	list, err := c.All()
	list = slices.DeleteFunc(slices.Clone(list), func(x fusion.CatalogueImage) bool { return x.Name == image.Name })
	c.list = append([]fusion.CatalogueImage{image}, list...)
	if err == nil {
		c.signed[image.Name] = by
	}
	return err
}

// Signer says who signs the list of sums that an image is in.
func (c *Catalogue) Signer(name string) Signature { return c.signed[name] }

// Find gives the image of a name.
func (c *Catalogue) Find(name string) (fusion.CatalogueImage, bool, error) {
	list, err := c.All()
	i := slices.IndexFunc(list, func(x fusion.CatalogueImage) bool { return x.Name == name })
	if i < 0 {
		return fusion.CatalogueImage{}, false, err
	}
	return list[i], true, err
}
