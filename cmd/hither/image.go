package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

// image is what --iso or --image names: a file here, an image of the host's
// pool, or either (a bare word). The zero value is none.
type image struct {
	flag string
	path string // a file of this computer, or ""
	name string // its name in the pool, or an address that the host fetches it from
	bare bool   // the pool's image of this name goes before the file
}

// parseImage says what value names, without asking a host.
func parseImage(flag, value string) (image, error) {
	refuse := func(cause error, detail, hint string) (image, error) {
		return image{}, &fusion.Error{Op: flag, Path: value, Cause: cause, Detail: detail, Hint: hint}
	}
	switch {
	case value == "":
		return image{}, nil
	case fusion.IsURL(value):
		return image{flag: flag, name: value}, fusion.FetchSpec{From: value}.Check()
	case onOtherHost(value):
		return refuse(fusion.ErrUnsupported, "a file of another host cannot be named yet", "copy it to this computer, or give the NAME of an image in the host's pool")
	}
	img := image{flag: flag, name: filepath.Base(value), bare: !strings.ContainsAny(value, `/`+string(filepath.Separator))}
	info, err := os.Stat(value)
	switch {
	case err == nil && info.Mode().IsRegular():
		img.path = value
	case img.bare:
	case errors.Is(err, fs.ErrNotExist):
		return refuse(fusion.ErrNotFound, "there is no such file on this computer", "")
	case err != nil:
		return image{}, fmt.Errorf("%s: %w", flag, err)
	default:
		return refuse(fusion.ErrInvalid, "it is not a file", "give the file of an image")
	}
	if err := fusion.CheckName(img.name); err != nil {
		return image{}, err
	}
	return img, nil
}

// onOtherHost says whether value is written as HOST:PATH.
func onOtherHost(value string) bool {
	host, _, found := strings.Cut(value, ":")
	drive := runtime.GOOS == "windows" && len(host) == 1
	return found && !drive && fusion.CheckName(host) == nil
}

// bring sees that the image is in the host's pool and gives its name there.
func (img image) bring(cmd *cobra.Command, host fusion.Host, to fusion.Address) (string, error) {
	if img.path == "" {
		return img.name, nil
	}
	file, err := os.Open(img.path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", img.flag, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("%s: %w", img.flag, err)
	}
	meter := newMeter(cmd.ErrOrStderr(), img.name, info.Size(), file)
	err = host.Machines().Upload(cmd.Context(), img.name, info.Size(), meter)
	meter.done()
	if errors.Is(err, fusion.ErrExists) {
		return img.there(cmd, to, host.Images(), file, info.Size(), err)
	}
	return img.name, err
}

// there decides what to do when the pool has an image of this name. A bare name
// takes it, unless the host says that its size is not that of the file here; so does
// a path whose file has the same bytes.
func (img image) there(cmd *cobra.Command, to fusion.Address, images fusion.Images, file *os.File, size int64, exists error) (string, error) {
	where := "this computer"
	if to.Host != "" {
		where = to.Host
	}
	if other, known := sizeThere(exists); known && other != size {
		return "", &fusion.Error{Op: "machine.create", Path: img.name, Cause: fusion.ErrExists,
			Detail: fmt.Sprintf("%s has another image of this name, of %s; the file here has %s", where, bytesText(other), bytesText(size)),
			Hint:   "give it another name"}
	}
	same := img.bare
	if !same {
		var err error
		if same, err = img.same(cmd.Context(), images, file); err != nil {
			return "", err
		}
	}
	if same {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: the image %s that %s has already is used\n", img.name, where)
		return img.name, nil
	}
	return "", &fusion.Error{Op: "machine.create", Path: img.name, Cause: fusion.ErrExists, Detail: where + " has an image of this name",
		Hint: fmt.Sprintf("use that one with %s %s, or rename the file", img.flag, img.name)}
}

// same says whether the host knows that its image of this name has the bytes of the file here.
func (img image) same(ctx context.Context, images fusion.Images, file io.ReadSeeker) (bool, error) {
	list, err := images.List(ctx)
	if err != nil {
		return false, err
	}
	at := slices.IndexFunc(list, func(other fusion.Image) bool { return other.Name == img.name })
	if at < 0 || !strings.HasPrefix(list[at].Sum, sha256Prefix) {
		return false, nil
	}
	sum := sha256.New()
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	if _, err := io.Copy(sum, file); err != nil {
		return false, fmt.Errorf("%s: %w", img.flag, err)
	}
	return sha256Prefix+hex.EncodeToString(sum.Sum(nil)) == list[at].Sum, nil
}

const sha256Prefix = "sha256:"

// sizeThere reads the size of the image that is in the way out of a refused
// upload; an older host does not tell it.
func sizeThere(exists error) (size int64, known bool) {
	for err := exists; err != nil; err = errors.Unwrap(err) {
		if e, ok := err.(*fusion.Error); ok {
			if n, err := fmt.Sscanf(e.Detail, "it has %d bytes", &size); err == nil && n == 1 {
				return size, true
			}
		}
	}
	return 0, false
}
