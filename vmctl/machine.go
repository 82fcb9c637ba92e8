package vmctl

import (
	"os"
	"time"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
)

// record is what the Store knows of one domain. The Store's mu guards it.
type record struct {
	domain
	shown   string // the name it has for others
	started time.Time
	sought  bool   // started was looked for since it is active
	seq     uint64 // the Store's seq when it changed
}

// machine makes the fusion value of a domain.
func (r *record) machine(kvmNote string) fusion.Machine {
	m := fusion.Machine{
		Name: r.shown, Kind: fusion.KindVM, State: r.state,
		CPUs: r.CPUs, MemoryBytes: r.MemoryBytes,
		Accelerator: r.Accelerator, UUID: r.uuid,
		Screen: r.VNC >= 0 || r.Pictured, Screenshots: r.VNC < 0 && r.Pictured, Verbs: verbsFor(r.domain),
		Note: r.detail, Labels: r.Labels, Template: r.Template,
	}
	if r.name != r.shown {
		m.OriginalName = r.name
	}
	m.Tags = append([]string{}, r.Labels.Tags...) // never nil
	m.Autostart = m.Autostart || r.autostart
	if r.active {
		m.Started = r.started
	}
	if m.Note == "" {
		m.Note = r.appsNote()
	}
	if r.AppsState == domxml.AppsInstalling {
		m.Installing = r.Apps
	}
	if m.Note == "" && r.unkept {
		m.Note = "its last scheduled backup failed; its backups say why"
	}
	if m.Note == "" && m.Screenshots {
		m.Note = "it has no VNC display: it is shown by screenshots and takes keys only; give it a VNC display for its next start"
	}
	if m.Note == "" && r.Accelerator == "tcg" {
		m.Note = kvmNote
	}
	if m.Note == "" && r.VNC < 0 && r.Display != "" {
		m.Note = "its display speaks " + r.Display + "; give it a VNC display to see it here"
	}
	for _, d := range r.Disks {
		m.Disks = append(m.Disks, measure(d))
	}
	return m
}

// measure reads the size and the allocation of a disk; what cannot be read is 0.
func measure(d domxml.Disk) fusion.Disk {
	disk := fusion.Disk{Name: d.Target}
	if d.Path == "" {
		return disk
	}
	info, err := os.Stat(d.Path)
	if err != nil || !info.Mode().IsRegular() {
		return disk
	}
	disk.UsedBytes = computer.Allocated(info)
	disk.TotalBytes = info.Size()
	if size, ok := imagefile.VirtualSize(d.Path); ok {
		disk.TotalBytes = size
	}
	return disk
}

// verbsFor lists the verbs that make sense for a domain now. It is never nil, so
// that JSON has a list.
func verbsFor(d domain) []fusion.Verb {
	if d.detail == onTheWay {
		return []fusion.Verb{}
	}
	if d.Template && !d.active {
		return []fusion.Verb{}
	}
	switch d.state {
	case fusion.Off:
		return []fusion.Verb{fusion.Start}
	case fusion.Saved:
		return []fusion.Verb{fusion.Start, fusion.Discard}
	case fusion.Running:
		return []fusion.Verb{fusion.Stop, fusion.ForceOff, fusion.Pause, fusion.Reboot, fusion.Save}
	case fusion.Paused:
		return []fusion.Verb{fusion.Resume, fusion.ForceOff, fusion.Save}
	case fusion.Starting, fusion.Stopping:
		return []fusion.Verb{fusion.ForceOff}
	case fusion.Failed:
		if d.gaveUp {
			return []fusion.Verb{fusion.Emulate, fusion.ForceOff}
		}
		if d.active {
			return []fusion.Verb{fusion.ForceOff}
		}
		return []fusion.Verb{fusion.Start}
	}
	return []fusion.Verb{}
}
