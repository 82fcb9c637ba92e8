package fusion

import (
	"cmp"
	"context"
	"encoding/hex"
	"io"
	"net/url"
	"path"
	"strings"
	"time"
)

// ImageFormat is how an image's bytes are laid out.
type ImageFormat string

const (
	Qcow2 ImageFormat = "qcow2"
	Raw   ImageFormat = "raw" // a disk, byte for byte
	ISO   ImageFormat = "iso" // media for a CD drive (ISO 9660)
)

// Image is one file of a host's image pool. Disks of machines are none.
type Image struct {
	// Host is empty inside a Host and filled by whoever holds several hosts.
	Host string `json:"host"`
	// Name is one of CheckName.
	Name string `json:"name"`
	// Format is "" when it is none that is known.
	Format ImageFormat `json:"format"`
	// Bytes is the file's length, DiskBytes the size of the disk in it.
	Bytes     int64 `json:"bytes"`
	DiskBytes int64 `json:"diskBytes,omitempty"`
	// Sum is its checksum as CheckSum takes it, "" when nobody knows.
	Sum string `json:"sum,omitempty"`
	// Source is the address it was fetched from, "" when it was not.
	Source string `json:"source,omitempty"`
	// Arch and User are what the catalogue said of it: "x86_64", and who logs in.
	Arch  string    `json:"arch,omitempty"`
	User  string    `json:"user,omitempty"`
	Added time.Time `json:"added,omitzero"`
	// UsedBy are the machines that have it in a drive now.
	UsedBy []string `json:"usedBy"`
}

// CatalogueImage is an image that a host knows where to fetch.
type CatalogueImage struct {
	// Name is one of CheckName, and what it is called in the pool.
	Name string `json:"name"`
	// Title is for people: "Debian 12 (bookworm)".
	Title  string      `json:"title"`
	Format ImageFormat `json:"format"`
	Arch   string      `json:"arch"` // as uname -m says it
	URL    string      `json:"url"`
	// Sum is its checksum if it never changes, SumsURL where its publisher tells
	// it. Without both nobody can check what comes.
	Sum     string `json:"sum,omitempty"`
	SumsURL string `json:"sumsUrl,omitempty"`
	// User is who logs in to it when nothing else is asked for.
	User string `json:"user,omitempty"`
	// MemoryBytes and DiskBytes are sensible sizes for a machine of it; 0 says
	// nothing.
	MemoryBytes int64 `json:"memoryBytes,omitempty"`
	DiskBytes   int64 `json:"diskBytes,omitempty"`
	// Runs says whether this host can run it.
	Runs bool `json:"runs"`
}

// FetchSpec says what to fetch. From is required.
type FetchSpec struct {
	// From is a name of the catalogue, or an address (http or https).
	From string `json:"from"`
	// Sum is what must come; default: what the catalogue says, of an address
	// nothing.
	Sum string `json:"sum"`
	// Name is what it is called in the pool; default: As.
	Name string `json:"name"`
}

// IsURL says whether an image is named by its address.
func IsURL(image string) bool { return strings.Contains(image, "://") }

// As is the name in the pool: Name, else From, of an address its last part.
func (f FetchSpec) As() string {
	if f.Name != "" || !IsURL(f.From) {
		return cmp.Or(f.Name, f.From)
	}
	u, err := url.Parse(f.From)
	if err != nil {
		return ""
	}
	return path.Base(u.Path)
}

// Check returns an error with cause ErrInvalid unless the address is of http or
// https without a password in it, the sum is one of CheckSum, and the name one of
// CheckName.
func (f FetchSpec) Check() error {
	if IsURL(f.From) {
		if err := checkAddress(f.From); err != nil {
			return err
		}
	}
	if f.Sum != "" {
		if err := CheckSum(f.Sum); err != nil {
			return err
		}
	}
	if err := CheckName(f.As()); err != nil {
		return &Error{Op: "image", Path: clip(f.As()), Cause: ErrInvalid, Detail: "it is no name for an image",
			Hint: "give it a name of letters, digits and . _ - ~"}
	}
	return nil
}

// maxAddress bounds an address in bytes.
const maxAddress = 2000

func checkAddress(text string) error {
	u, err := url.Parse(text)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && len(text) <= maxAddress {
		return nil
	}
	return &Error{Op: "image", Path: clip(text), Cause: ErrInvalid, Detail: "it is no address of http or https",
		Hint: "give an address such as https://example.org/disk.qcow2"}
}

// sumLengths are the checksums that are taken, and their digits.
var sumLengths = map[string]int{"sha256": 64, "sha512": 128}

// CheckSum returns an error with cause ErrInvalid unless sum is "sha256:" and 64,
// or "sha512:" and 128, lower case hexadecimal digits.
func CheckSum(sum string) error {
	kind, digits, _ := strings.Cut(sum, ":")
	_, err := hex.DecodeString(digits)
	if n, known := sumLengths[kind]; known && len(digits) == n && err == nil && digits == strings.ToLower(digits) {
		return nil
	}
	return &Error{Op: "sum", Path: clip(sum), Cause: ErrInvalid,
		Hint: "a sum is sha256: and 64 hexadecimal digits, or sha512: and 128"}
}

// ImageData is an image on its way. Close it when done.
type ImageData struct {
	io.ReadCloser
	// Size is the length of the whole image in bytes.
	Size int64
}

// Images is the image pool of one host, and where images come from.
type Images interface {
	// List gives what is in the pool, by name.
	List(ctx context.Context) ([]Image, error)
	// Catalogue gives what the host knows where to fetch, those for machines that
	// are made in one step first.
	Catalogue(ctx context.Context) ([]CatalogueImage, error)
	// Fetch brings an image into the pool. Other hosts of the owner that have an
	// image of the same sum are asked first. What was fetched from there before is
	// given at once. What broke off goes on where it was when it is asked for
	// again; what was canceled leaves nothing. It promises ErrNotFound for what
	// the catalogue or the address does not have, ErrExists when another image has
	// the name, ErrInvalid for a wrong sum, a format that is none or that points at
	// other files, and when there is no room, and ErrOffline when its source cannot
	// be reached.
	Fetch(ctx context.Context, spec FetchSpec) (Image, error)
	// Remove deletes an image. It promises ErrNotFound, and ErrBusy while a machine
	// has it in a drive.
	Remove(ctx context.Context, name string) error
	// Read gives the bytes of the image with a sum, from an offset on. It promises
	// ErrNotFound, and ErrInvalid for an offset behind the end.
	Read(ctx context.Context, sum string, from int64) (ImageData, error)
}
