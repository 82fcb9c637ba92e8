package vmctl

import (
	"encoding/xml"
	"path/filepath"

	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
)

// backupDriver is what backups of a running machine need of a hypervisor.
type backupDriver interface {
	// beginBackup has the hypervisor copy disks of a running domain as they are now, and
	// keep account of what is written from now on. It takes libvirt's XML
	// (https://libvirt.org/formatbackup.html, formatcheckpoint.html); checkpoint may be "".
	// The files are there. A job completes, which an event tells; abortJob ends it.
	beginBackup(uuid, backup, checkpoint string) error
	// backupJob says how far that job is, or how the last one ended.
	backupJob(uuid string) (backupJob, error)
	// checkpoints gives the names of a domain's checkpoints.
	checkpoints(uuid string) ([]string, error)
	// removeCheckpoint ends an account; of a domain that is off, or whose disks do not have
	// it any more, only what is known of it goes.
	removeCheckpoint(uuid, name string) error
}

// backupJob is how far a backup of the hypervisor is.
type backupJob struct {
	active      bool
	done, total int64  // bytes
	completed   bool   // the last one ended well
	why         string // it did not
}

// domainBackupXML is libvirt's <domainbackup>. In push mode QEMU writes the files; in pull
// mode it serves the disks by NBD as they were, and keeps in the files what the guest
// overwrites meanwhile.
type domainBackupXML struct {
	XMLName     xml.Name         `xml:"domainbackup"`
	Mode        string           `xml:"mode,attr"`
	Incremental string           `xml:"incremental,omitempty"`
	Server      *backupServerXML `xml:"server"`
	Disks       []backupDiskXML  `xml:"disks>disk"`
}

type backupServerXML struct {
	Transport string `xml:"transport,attr"`
	Socket    string `xml:"socket,attr"`
}

type backupDiskXML struct {
	Name   string          `xml:"name,attr"`
	Backup string          `xml:"backup,attr"`
	Type   string          `xml:"type,attr,omitempty"`
	Driver *driverTypeXML  `xml:"driver"`
	Target *fileAttributes `xml:"target"`
	// Scratch is the file in pull mode.
	Scratch *fileAttributes `xml:"scratch"`
}

type driverTypeXML struct {
	Type string `xml:"type,attr"`
}

type fileAttributes struct {
	File string `xml:"file,attr"`
}

// newBackupXML asks for a copy of each disk into its file of the pool, or of what was
// written since a checkpoint; with a socket it serves that there.
func newBackupXML(d domxml.Info, pool string, files map[string]string, since, socket string) (string, error) {
	x := domainBackupXML{Mode: "push", Incremental: since}
	if socket != "" {
		x.Mode, x.Server = "pull", &backupServerXML{"unix", socket}
	}
	for _, disk := range d.Disks {
		one := backupDiskXML{Name: disk.Target, Backup: "no"}
		if file := files[disk.Target]; file != "" {
			one = backupDiskXML{Name: disk.Target, Backup: "yes", Type: "file", Driver: &driverTypeXML{imagefile.Qcow2},
				Target: &fileAttributes{filepath.Join(pool, file)}}
			if socket != "" {
				one.Target, one.Scratch = nil, one.Target
			}
		}
		x.Disks = append(x.Disks, one)
	}
	for _, drive := range d.Drives {
		x.Disks = append(x.Disks, backupDiskXML{Name: drive, Backup: "no"})
	}
	text, err := xml.Marshal(x)
	return string(text), err
}

type checkpointXML struct {
	XMLName xml.Name            `xml:"domaincheckpoint"`
	Name    string              `xml:"name"`
	Disks   []checkpointDiskXML `xml:"disks>disk"`
}

type checkpointDiskXML struct {
	Name       string `xml:"name,attr"`
	Checkpoint string `xml:"checkpoint,attr"`
}

// newCheckpointXML has QEMU keep account of these disks, in bitmaps inside them.
func newCheckpointXML(name string, d domxml.Info, files map[string]string) (string, error) {
	x := checkpointXML{Name: name}
	for _, disk := range d.Disks {
		kept := "no"
		if files[disk.Target] != "" {
			kept = "bitmap"
		}
		x.Disks = append(x.Disks, checkpointDiskXML{disk.Target, kept})
	}
	for _, drive := range d.Drives {
		x.Disks = append(x.Disks, checkpointDiskXML{drive, "no"})
	}
	text, err := xml.Marshal(x)
	return string(text), err
}
