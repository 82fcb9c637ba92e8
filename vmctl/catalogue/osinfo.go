package catalogue

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
)

// OsinfoDir is where libosinfo's database is installed
// (https://gitlab.com/libosinfo/osinfo-db, package osinfo-db).
const OsinfoDir = "/usr/share/osinfo"

// The parts of the database that name media.
type osinfoXML struct {
	Systems []osinfoOS `xml:"os"`
}

type osinfoOS struct {
	ShortID   string          `xml:"short-id"`
	Names     []osinfoName    `xml:"name"`
	Variants  []osinfoVariant `xml:"variant"`
	Media     []osinfoMedium  `xml:"media"`
	Resources []struct {
		Recommended struct {
			RAM     int64 `xml:"ram"`     // bytes
			Storage int64 `xml:"storage"` // bytes
		} `xml:"recommended"`
	} `xml:"resources"`
}

// osinfoName is a name in one language; that without one is English.
type osinfoName struct {
	Language string `xml:"lang,attr"`
	Text     string `xml:",chardata"`
}

type osinfoVariant struct {
	ID    string       `xml:"id,attr"`
	Names []osinfoName `xml:"name"`
}

type osinfoMedium struct {
	Arch     string          `xml:"arch,attr"`
	URL      string          `xml:"url"`
	Variants []osinfoVariant `xml:"variant"`
}

const (
	// maxOsinfo bounds one file of the database in bytes.
	maxOsinfo = 4 << 20
	// maxMedia bounds what is taken of all.
	maxMedia = 2000
)

// osinfoMedia gives the installation media in a database, by title; none when it
// is not installed. What cannot be read of it is left out.
func osinfoMedia(dir string) []fusion.CatalogueImage {
	var list []fusion.CatalogueImage
	taken := map[string]int{}
	_ = filepath.WalkDir(filepath.Join(dir, "os"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.HasSuffix(file, ".xml") || len(list) >= maxMedia {
			return nil
		}
		for _, system := range readOsinfo(file) {
			list = append(list, system.media(taken)...)
		}
		return nil
	})
	slices.SortStableFunc(list, func(a, b fusion.CatalogueImage) int { return cmp.Compare(a.Title, b.Title) })
	return list[:min(len(list), maxMedia)]
}

func readOsinfo(file string) []osinfoOS {
	info, err := os.Stat(file)
	if err != nil || info.Size() > maxOsinfo {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var db osinfoXML
	if xml.Unmarshal(text, &db) != nil {
		return nil
	}
	return db.Systems
}

// media gives what can be fetched of a system; taken counts the names given so far.
func (o osinfoOS) media(taken map[string]int) (list []fusion.CatalogueImage) {
	for _, m := range o.Media {
		name, title := o.ShortID, english(o.Names)
		if len(m.Variants) > 0 {
			variant := m.Variants[0].ID
			name += "-" + variant
			title = cmp.Or(o.variantName(variant), title+", "+variant)
		}
		u, err := url.Parse(strings.TrimSpace(m.URL))
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !strings.HasSuffix(path.Base(u.Path), ".iso") {
			continue
		}
		if m.Arch != Arch {
			name += "-" + m.Arch
			title += ", " + m.Arch
		}
		if taken[name]++; taken[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, taken[name])
		}
		image := fusion.CatalogueImage{Name: name, Title: title, Format: fusion.ISO, Arch: m.Arch, URL: u.String()}
		if (fusion.FetchSpec{From: image.URL, Name: name}).Check() != nil {
			continue
		}
		for _, r := range o.Resources {
			image.MemoryBytes = max(image.MemoryBytes, r.Recommended.RAM)
			image.DiskBytes = max(image.DiskBytes, r.Recommended.Storage)
		}
		list = append(list, image)
	}
	return list
}

func (o osinfoOS) variantName(id string) string {
	for _, v := range o.Variants {
		if v.ID == id {
			return english(v.Names)
		}
	}
	return ""
}

func english(names []osinfoName) string {
	for _, n := range names {
		if n.Language == "" {
			return strings.TrimSpace(n.Text)
		}
	}
	return ""
}
