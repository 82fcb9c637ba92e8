// Command appimage is the runtime of Hither's AppImage (type 2, draft of the AppImage
// specification): the program in front of the file system image. Other runtimes mount that
// image for as long as the program runs; a node goes on after the window and outlives the
// mount. So this one unpacks the image once, into the owner's cache, and runs it from there. It
// needs no FUSE, and is one program without libraries.
package main

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/squashfs"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "AppImage:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer self.Close()
	offset, err := imageOffset(self)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		switch args[0] {
		case "--appimage-offset":
			fmt.Println(offset)
			return nil
		case "--appimage-extract":
			return unpack(self, offset, "squashfs-root")
		case "--appimage-extract-and-run": // what it does anyway
			args = args[1:]
		}
	}
	dir, err := unpacked(self, offset)
	if err != nil {
		return err
	}
	where, err := os.Executable()
	if err != nil {
		return err
	}
	env := append(os.Environ(), "APPDIR="+dir, "APPIMAGE="+where, "ARGV0="+os.Args[0])
	start := filepath.Join(dir, "AppRun")
	return fmt.Errorf("%s: %w", start, syscall.Exec(start, append([]string{start}, args...), env))
}

// imageOffset is where the ELF file ends: behind its section headers, which are last.
func imageOffset(f *os.File) (int64, error) {
	head := make([]byte, 64)
	if _, err := f.ReadAt(head, 0); err != nil {
		return 0, err
	}
	if _, err := elf.NewFile(f); err != nil || head[elf.EI_CLASS] != byte(elf.ELFCLASS64) || head[elf.EI_DATA] != byte(elf.ELFDATA2LSB) {
		return 0, fmt.Errorf("this program is no ELF file of 64 bits: %w", err)
	}
	le := func(at, n int) (v int64) {
		for i := n - 1; i >= 0; i-- {
			v = v<<8 | int64(head[at+i])
		}
		return v
	}
	return le(0x28, 8) + le(0x3a, 2)*le(0x3c, 2), nil // e_shoff, e_shentsize, e_shnum
}

// unpacked gives the directory in the cache that has this very image, whole.
func unpacked(self *os.File, offset int64) (string, error) {
	info, err := self.Stat()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(self, offset, info.Size()-offset)); err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	base := filepath.Join(cache, "hither-appimage")
	dir := filepath.Join(base, hex.EncodeToString(sum.Sum(nil))[:32])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(base, ".part-*")
	if err != nil {
		return "", err
	}
	err = unpack(self, offset, filepath.Join(part, "root"))
	if err == nil {
		err = os.Rename(filepath.Join(part, "root"), dir)
	}
	if _, there := os.Stat(dir); there == nil {
		err = nil // another one was faster
	}
	return dir, errors.Join(err, os.RemoveAll(part))
}

func unpack(self *os.File, offset int64, to string) error {
	info, err := self.Stat()
	if err != nil {
		return err
	}
	image, err := squashfs.Read(file.New(self, true), info.Size()-offset, offset, 0)
	if err != nil {
		return fmt.Errorf("the image behind this program: %w", err)
	}
	return copyDir(image, ".", to)
}

func copyDir(image *squashfs.FileSystem, from, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	entries, err := image.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		source, target := path.Join(from, e.Name()), filepath.Join(to, filepath.Base(e.Name()))
		if e.IsDir() {
			err = copyDir(image, source, target)
		} else {
			err = copyFile(image, source, target, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies a regular file; this image has no others.
func copyFile(image *squashfs.FileSystem, source, target string, e fs.DirEntry) (err error) {
	info, err := e.Info()
	if err != nil {
		return err
	}
	in, err := image.OpenFile(source, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
