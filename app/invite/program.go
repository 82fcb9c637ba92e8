package invite

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"hither/fusion"
)

// machines are the words of uname -m for what Go calls an architecture.
var machines = map[string]string{"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64", "riscv64": "riscv64", "armv7l": "arm", "i686": "386"}

// elfMachines are the words of debug/elf for the same.
var elfMachines = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_RISCV: "riscv64", elf.EM_ARM: "arm", elf.EM_386: "386"}

// cargo is a file that goes to a server.
type cargo struct {
	file *os.File
	size int64
	sum  string
}

func (c *cargo) Close() error { return c.file.Close() }

// load opens what goes there and sums it up.
func load(path string, at place) (c *cargo, err error) {
	fail := func(err error) (*cargo, error) {
		return nil, &fusion.Error{Op: opAdd, Path: path, Cause: fusion.ErrInvalid, Detail: "the file cannot be read: " + err.Error()}
	}
	f, err := os.Open(path)
	if err != nil {
		return fail(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fail(err)
	}
	return &cargo{file: f, size: size, sum: hex.EncodeToString(sum.Sum(nil))}, nil
}

// program chooses what goes to a system, by what it says that it is.
func (i *Inviter) program(spec Spec, at place, there system) (string, error) {
	arch := machines[there.arch]
	refuse := func(detail, hint string) (string, error) {
		return "", &fusion.Error{Op: opAdd, Path: at.String(), Cause: fusion.ErrUnsupported, Detail: detail, Hint: hint}
	}
	if there.os != "Linux" {
		return refuse(fmt.Sprintf("its system is %s", there.kind()), "only a Linux can be added this way; install Hither there by hand and pair with: hither pair")
	}
	switch {
	case spec.Deb != "":
		return spec.Deb, nil // dpkg knows which systems it is for
	case spec.Binary != "":
		built, err := builtFor(spec.Binary)
		if err != nil {
			return "", err
		}
		if built != arch {
			return refuse(fmt.Sprintf("its system is %s, and %s is built for %s", there.kind(), spec.Binary, built), "name a build of hither for that system with --binary")
		}
		return spec.Binary, nil
	case runtime.GOOS != "linux" || arch != runtime.GOARCH:
		return refuse(fmt.Sprintf("its system is %s, and this program is built for %s", there.kind(), runtime.GOOS+"/"+runtime.GOARCH),
			"name a build of hither for that system with --binary")
	}
	return i.cfg.Program, nil
}

// builtFor gives the architecture of a program for Linux.
func builtFor(path string) (string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", &fusion.Error{Op: opAdd, Path: path, Cause: fusion.ErrInvalid, Detail: "this is no program for Linux: " + err.Error(), Hint: "name a build of hither for that system with --binary"}
	}
	defer f.Close()
	if arch := elfMachines[f.Machine]; arch != "" {
		return arch, nil
	}
	return f.Machine.String(), nil
}
