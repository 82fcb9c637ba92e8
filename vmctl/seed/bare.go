package seed

import "hither/fusion"

// Bare is what an installer is told that installs a computer instead of a machine, as
// app/netboot has it done.
type Bare struct {
	Seed fusion.Seed
	// Hash is that of the password, as Hash gives it.
	Hash string
	// Disk is what is wiped; "" leaves that to Early.
	Disk string
	// Early and Late are what the installer's shell runs: before it looks at the disks, and
	// when the system is there below /target. One line each.
	Early, Late string
}

// Preseed gives the script by which Debian's installer asks nothing. What it holds of the
// seed was checked by fusion.Seed.Check.
func Preseed(b Bare) ([]byte, error) {
	a := repliesOf(b.Seed.Hostname, "", b.Hash, b.Seed)
	a.Bare, a.Disk, a.Early, a.Late = true, b.Disk, b.Early, b.Late
	files, err := preseed(a)
	return files["preseed.cfg"], err
}
