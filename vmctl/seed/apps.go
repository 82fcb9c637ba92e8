package seed

import (
	_ "embed"
	"slices"
	"strings"

	"hither/fusion"
)

// AppsFile is where a guest says how far its apps are: "ready", or "failed" and the
// names of those that did not come.
const AppsFile = "/var/lib/hither/apps"

// More places in a guest. What is in perBoot cloud-init runs at each start
// (https://docs.cloudinit.io/en/latest/reference/modules.html#scripts-per-boot).
const (
	appsScript  = "/var/lib/hither/apps.sh"
	appsPerBoot = "/var/lib/cloud/scripts/per-boot/50-hither-apps"
	lightdmDir  = "/etc/lightdm/lightdm.conf.d"
	agentName   = "qemu-guest-agent"
)

//go:embed apps.sh
var appsText string

// writtenFile is a file that cloud-init writes.
type writtenFile struct {
	Path        string `yaml:"path"`
	Permissions string `yaml:"permissions"`
	Content     string `yaml:"content"`
}

// appFiles are the files that install apps. The names are those that Seed.Check lets
// through: a shell takes each as one word.
func appFiles(seed fusion.Seed) []writtenFile {
	if len(seed.Apps) == 0 {
		return nil
	}
	words := append([]string{AppsFile, lightdmDir, "'" + seed.User + "'"}, seed.Apps...)
	return []writtenFile{
		{appsScript, "0755", appsText},
		{appsPerBoot, "0755", "#!/bin/sh\nexec /bin/sh " + appsScript + " " + strings.Join(words, " ") + "\n"},
	}
}

// packages are those that cloud-init itself installs.
func packages(seed fusion.Seed) []string {
	if len(seed.Apps) == 0 || slices.Contains(seed.Packages, agentName) {
		return seed.Packages
	}
	return append([]string{agentName}, seed.Packages...)
}
